"""The error that ends a generation."""

from __future__ import annotations


class TemplateError(Exception):
    """An answer that will not do, or a template at odds with itself; the text says which."""
