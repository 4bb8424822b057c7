"""Looks at a data set and proposes description, schema and settings: `python -m pipeline init`."""
