"""Predict with the pushed model: the rows of a CSV or Parquet file, and what the model says.

The file needs the columns that the model was trained on, but not those that the label is made from.
"""

from __future__ import annotations

import argparse
import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, TextIO

from tfxkit.errors import UsageError
from tfxkit.options import add_config_options, pipeline_outputs


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options of this subcommand."""
    parser.add_argument(
        "file", metavar="FILE", help="CSV or Parquet with the columns' names, here or on S3"
    )
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="write here instead of to the screen"
    )
    parser.add_argument(
        "--raw",
        action="store_true",
        help="texts as they are, though a spreadsheet may run some (default: marked by ')",
    )
    parser.add_argument("--version", type=int, help="a pushed version (default: the newest)")
    add_config_options(parser)


def run(args: argparse.Namespace) -> int:
    """Predicts; returns 0."""
    outputs = pipeline_outputs(args)
    if "://" not in args.file and not os.path.isfile(args.file):
        raise UsageError(f"There is no file {args.file}")
    if not outputs.serving.is_dir():
        raise UsageError(f"No model has been pushed to {outputs.serving}: {outputs.command('run')}")

    from tfxkit.runs.run_log import captured

    with captured(outputs.root / "predict.log") as terminal:
        from tfxkit.runs.prediction import predict

        version_dir = _version_dir(str(outputs.serving), args.version)
        with _whole_file(args.output) if args.output else _stream(terminal) as output:
            rows = predict(args.file, version_dir, output, raw=args.raw)
        if args.output:
            version = os.path.basename(version_dir)
            terminal.write(f"{args.output}: {rows} rows, predicted by version {version}\n")
    return 0


def _version_dir(serving_dir: str, version: int | None) -> str:
    from tfxkit.storage import served_model

    there = served_model.complete_versions(serving_dir)
    if not there or (version is not None and version not in there):
        pushed = ", ".join(map(str, there)) or "none"
        raise UsageError(f"No such version in {serving_dir}; there are: {pushed}")
    return os.path.join(serving_dir, str(version or there[-1]))


@contextlib.contextmanager
def _whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file that is there as a whole or not at all."""
    draft = path.with_name(f".{path.name}-{os.getpid()}")
    try:
        with draft.open("wb") as file:
            yield file
        draft.replace(path)
    except OSError as error:
        raise UsageError(f"Cannot write {path}: {error.strerror}") from None
    finally:
        draft.unlink(missing_ok=True)


@contextlib.contextmanager
def _stream(terminal: TextIO) -> Iterator[BinaryIO]:
    yield terminal.buffer
    terminal.buffer.flush()
