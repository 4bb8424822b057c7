"""The verbs of the command line, one module each; see `pipeline/cli.py`."""
