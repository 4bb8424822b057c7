"""Lists of the API: filters and pages (apiserver/filter/filter.go, apiserver/list/list.go)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from tests.kubeflow.emulator.errors import NotEmulated, invalid_input

EQUALS, NOT_EQUALS, IS_SUBSTRING = "EQUALS", "NOT_EQUALS", "IS_SUBSTRING"
# backend/api/v2beta1/filter.proto; the official client sends the numbers
OPERATIONS = {1: EQUALS, 2: NOT_EQUALS, 9: IS_SUBSTRING}
FIELDS = ("display_name", "name", "description", "storage_state", "state", "experiment_id")
DEFAULT_PAGE_SIZE = 20


def page(key: str, items: Iterable[Mapping[str, Any]], query: Mapping[str, str]) -> dict[str, Any]:
    """The items that pass the query's filter, in the order they were made, a page of them.

    Args:
        key: The name of the list in the reply.
        items: All items.
        query: The query of the request: filter, sort_by, page_size, page_token.

    Raises:
        BackendError: The filter asks for something unknown.
    """
    predicates = _predicates(query.get("filter", ""))
    found = [item for item in items if all(_holds(item, predicate) for predicate in predicates)]
    field, _, direction = query.get("sort_by", "").partition(" ")
    if field:
        found.sort(key=lambda item: str(item.get(field, "")), reverse=direction == "desc")
    start = int(query.get("page_token") or 0)
    end = start + (int(query.get("page_size") or 0) or DEFAULT_PAGE_SIZE)
    reply: dict[str, Any] = {"total_size": len(found)} if found else {}
    if found[start:end]:
        reply[key] = found[start:end]
    if end < len(found):
        reply["next_page_token"] = str(end)
    return reply


def _predicates(text: str) -> list[Mapping[str, Any]]:
    predicates = json.loads(text).get("predicates", []) if text else []
    for predicate in predicates:
        name = predicate.get("key", "")
        if name not in FIELDS:  # filter.go:134
            raise invalid_input(f'no support for filtering on unrecognized field "{name}"')
    return predicates


def _holds(item: Mapping[str, Any], predicate: Mapping[str, Any]) -> bool:
    wanted = predicate.get("stringValue", predicate.get("string_value"))
    if wanted is None:
        raise NotEmulated(f"a filter of other values than text: {predicate}")
    operation = OPERATIONS.get(predicate.get("operation"), predicate.get("operation"))
    value = item.get(predicate["key"], "")
    if operation == EQUALS:
        return value == wanted
    if operation == NOT_EQUALS:
        return value != wanted
    if operation == IS_SUBSTRING:
        return wanted in value
    raise NotEmulated(f"filter operation {operation}")
