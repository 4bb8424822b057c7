"""The error that ends a generation."""

from __future__ import annotations


class TemplateError(Exception):
    """An invalid answer or an inconsistent template; the message names it."""
