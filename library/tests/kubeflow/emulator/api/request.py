"""A request to the API server, and the strictness with which its body is read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from typing import Any

from tests.kubeflow.emulator.errors import INVALID_ARGUMENT, BackendError


@dataclass(frozen=True)
class Request:
    """A request, as a handler gets it."""

    query: Mapping[str, str]
    body: bytes
    content_type: str

    def message(self, model: type) -> dict[str, Any]:
        """The body as a message of the API.

        Args:
            model: The class of kfp_server_api that describes it.

        Raises:
            BackendError: It is no JSON, or has a field that the message has not
                (apiserver/common/utils.go:161).
        """
        try:
            found = json.loads(self.body)
        except ValueError as error:
            raise BackendError(str(error), INVALID_ARGUMENT, str(error)) from error
        for field in found:
            if field not in model.attribute_map.values():
                text = f'proto: (line 1:2): unknown field "{field}"'
                raise BackendError(text, INVALID_ARGUMENT, text)
        return {field: value for field, value in found.items() if value is not None}

    def uploaded_file(self) -> tuple[str, str]:
        """Name and text of the file in a form; two empty strings if there is none."""
        head = f"Content-Type: {self.content_type}\r\n\r\n".encode()
        form = BytesParser(EmailMessage, policy=policy.HTTP).parsebytes(head + self.body)
        for part in form.iter_parts():
            if part.get_param("name", header="content-disposition") == "uploadfile":
                return part.get_filename() or "", part.get_payload(decode=True).decode()
        return "", ""
