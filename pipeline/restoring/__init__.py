"""Makes a version that was pushed earlier the served one again: `rollback` and `promote`.

A model server takes the highest number, so that is what serving a version again means: its content
is pushed once more, under a new number. Nothing is ever removed or renamed.
"""
