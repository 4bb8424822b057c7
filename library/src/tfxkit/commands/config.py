"""Print the configuration that all files result in (show), or every key it may have (schema)."""

from __future__ import annotations

import argparse

from tfxkit.options import add_config_options, config_selection


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options of this subcommand."""
    parser.add_argument("what", choices=("show", "schema"))
    add_config_options(parser)


def run(args: argparse.Namespace) -> int:
    """Prints YAML for `show`, JSON Schema for `schema`; returns 0."""
    import json

    from tfxkit.config.loading import config_class

    if args.what == "schema":
        print(json.dumps(config_class().model_json_schema(), indent=2))
    else:
        print(config_selection(args).load().to_yaml(), end="")
    return 0
