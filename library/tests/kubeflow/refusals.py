"""Exceptions of the official client, reduced to the two things that tests need."""

from __future__ import annotations

import json
from collections.abc import Callable

import kfp_server_api
import pytest


def refusal(call: Callable[[], object]) -> tuple[int, str]:
    """Status and message of the error that a call of the client ends in."""
    with pytest.raises(kfp_server_api.ApiException) as caught:
        call()
    body = json.loads(caught.value.body)
    return caught.value.status, body.get("message") or body["error_message"]
