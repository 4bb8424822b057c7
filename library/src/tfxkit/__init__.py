"""Machinery that projects import and never edit; it imports no project."""
