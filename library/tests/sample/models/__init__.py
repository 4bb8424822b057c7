"""The `models` of the tests' own project: what an owner edits, as these tests need it."""
