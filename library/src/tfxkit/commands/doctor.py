"""Check whether this machine can install and run the pipeline."""

from __future__ import annotations

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options of this subcommand: none."""


def run(_args: argparse.Namespace) -> int:
    """Runs the checks; returns 0 if all hold, else 1."""
    from tfxkit.environment.doctor import main

    return main([])
