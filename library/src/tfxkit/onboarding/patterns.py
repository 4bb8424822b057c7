"""Patterns in column names and values: identifiers, times, codes."""

from __future__ import annotations

import re

ID_NAME = re.compile(r"(^|[_\W])(id|ids|uuid|guid|key|index|idx|rowid|row|no|nr|number)$", re.I)
ID_CAMEL = re.compile(r"[a-z](Id|ID|UUID|Key)$")
TIME_NAME = re.compile(r"(time|date|stamp|created|updated|_at$|_on$|_ts$|^ts$)", re.I)
CODE_NAME = re.compile(r"(zip|postal|postcode|code|area|tract|type|class|category|region)$", re.I)
UUID = r"^\{?[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\}?$"
