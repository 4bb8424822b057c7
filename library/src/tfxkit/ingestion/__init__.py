"""Ingestion: a query of a database, or a table of files, becomes a span."""
