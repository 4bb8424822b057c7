"""The subcommands of the command line, one module each; see `tfxkit/cli.py`."""
