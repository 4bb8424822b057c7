"""`python -m pipeline init`: proposes description, schema and settings for a data set."""
