"""Machinery that projects import and never edit; it imports no project."""

__version__ = "0.2.0"
