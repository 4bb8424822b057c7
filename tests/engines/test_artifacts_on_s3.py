"""Steps whose artifacts lie on S3, sent to an engine: each worker reads and writes the store."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.engines
