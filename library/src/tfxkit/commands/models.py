"""Subcommands about pushed models: `lineage`, `predict`, `rollback` and `serve`."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from tfxkit.commands import (
    UNLIMITED_WIDTH,
    Subcommand,
    add_config_options,
    add_serving_option,
    pipeline_outputs,
)
from tfxkit.errors import StorageError, UsageError
from tfxkit.extras import require_extra
from tfxkit.runs.outputs import Outputs

_LINEAGE = """\
Show the origin of a pushed model, or with --span the pushed models trained on a span.
"""


def _add_lineage_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_mutually_exclusive_group()
    group.add_argument("version", metavar="VERSION", nargs="?", help="of a model (the served one)")
    group.add_argument("--span", type=int, metavar="N", help="the models trained on a span")
    parser.add_argument("--json", action="store_true", help="as JSON, for programs")
    add_config_options(parser)


def show_lineage(args: argparse.Namespace) -> int:
    """Prints the origin of a model, or the models from a span; returns 0."""
    import dataclasses
    import json
    import sys

    from rich.console import Console

    from tfxkit.runs.run_log import import_tensorflow

    outputs = pipeline_outputs(args)
    import_tensorflow()
    from tfxkit.runs.lineage import table, trace, tree, versions_from_span
    from tfxkit.runs.metadata import read_graph

    try:
        graph = read_graph(outputs.metadata)
    except StorageError as error:
        raise UsageError(
            f"{error}\nA run replaces a damaged file and keeps it aside: {outputs.command('run')}\n"
            "The served model stays the same, and carries its schema, configuration and statistics."
        ) from error
    console = Console(highlight=False, width=None if sys.stdout.isatty() else UNLIMITED_WIDTH)
    if args.span is None:
        lineage = trace(graph, outputs, args.version)
        text: Any = tree(lineage)
        facts = dataclasses.asdict(lineage)
    else:
        versions = versions_from_span(graph, outputs, args.span)
        text = table(versions)
        facts = {
            "span": args.span,
            "versions": [{**dataclasses.asdict(version), "by": by} for version, by in versions],
        }
    if args.json:
        print(json.dumps(facts, indent=2))
    else:
        console.print(text)
    return 0


_PREDICT = """\
Write predictions of the pushed model for the rows of a file: CSV, JSON lines or Parquet.

The file needs the columns that the model was trained on, but not those that the label is made from.
"""


def _add_predict_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="CSV, JSON lines or Parquet, here or on S3")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="write here instead of to the screen"
    )
    parser.add_argument(
        "--raw",
        action="store_true",
        help="leave text that looks like a formula unescaped (default: marked by ')",
    )
    parser.add_argument("--version", type=int, help="a pushed version (default: the newest)")
    add_config_options(parser)


def write_predictions(args: argparse.Namespace) -> int:
    """Writes predictions for the rows of a file; returns 0."""
    outputs = pipeline_outputs(args)
    if "://" not in args.file and not os.path.isfile(args.file):
        raise UsageError(f"There is no file {args.file}")
    if not outputs.serving.is_dir():
        raise _nothing_pushed(outputs)

    from tfxkit.runs.run_log import captured

    with _kept_stderr() as screen, captured(outputs.root / "predict.log") as terminal:
        from tfxkit.runs.prediction import predict

        version_dir = _version_dir(str(outputs.serving), args.version)
        with _whole_file(args.output) if args.output else _stream(terminal) as output:
            rows = predict(
                args.file,
                version_dir,
                output,
                raw=args.raw,
                warn=lambda notice: screen.write(f"Warning: {notice}.\n"),
            )
        if args.output:
            version = os.path.basename(version_dir)
            terminal.write(f"{args.output}: {rows} rows, predicted by version {version}\n")
    return 0


def _version_dir(serving_dir: str, version: int | None) -> str:
    from tfxkit.storage import served_model

    complete = served_model.complete_versions(serving_dir)
    if not complete or (version is not None and version not in complete):
        pushed = ", ".join(map(str, complete)) or "none"
        raise UsageError(f"No such version in {serving_dir}; there are: {pushed}")
    return os.path.join(serving_dir, str(version or complete[-1]))


@contextlib.contextmanager
def _whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file that is written as a whole or not at all."""
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
def _kept_stderr() -> Iterator[TextIO]:
    """The standard error of now, also where `captured` redirects it."""
    sys.stderr.flush()
    with os.fdopen(os.dup(2), "w", encoding="utf-8", errors="replace", buffering=1) as screen:
        yield screen


@contextlib.contextmanager
def _stream(terminal: TextIO) -> Iterator[BinaryIO]:
    yield terminal.buffer
    terminal.buffer.flush()


_ROLLBACK = """\
Serve the previous model again, or any pushed version that you name.

Pushes a copy under a new, highest version number, and records it in ML Metadata; nothing is
removed.
"""


def _add_rollback_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "version", metavar="VERSION", type=int, nargs="?", help="(default: the model before)"
    )
    add_serving_option(parser)
    add_config_options(parser)


def roll_back(args: argparse.Namespace) -> int:
    """Serves another version; returns 0, also if the named one is the served model."""
    from tfxkit.runs.run_log import captured

    outputs = pipeline_outputs(args)
    serving_dir = args.serving or str(outputs.serving)
    with outputs.lock(), captured(outputs.root / "versions.log") as terminal:
        from tfxkit.runs.rollback import serve_again, version_to_roll_back_to

        version = version_to_roll_back_to(outputs, serving_dir, args.version)
        if version is None:
            terminal.write(f"The model of version {args.version} is the one that is served.\n")
            return 0
        terminal.write(serve_again(outputs, serving_dir, version))
    return 0


_SERVE = """\
Serve the newest pushed model on this machine, over TensorFlow Serving's REST and gRPC APIs.

A version that is pushed is served as soon as it is loaded; one that is removed is dropped. Ctrl-C
ends it. `python -m pipeline docs serving` has examples of requests.
"""


def _add_serve_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--port", type=int, default=8501, help="of the REST API (8501)")
    parser.add_argument("--grpc-port", type=int, default=8500, help="of the gRPC API (8500)")
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on (127.0.0.1: this machine alone)"
    )
    add_config_options(parser)


def serve_models(args: argparse.Namespace) -> int:
    """Serves until it is stopped; returns 0."""
    require_extra("serving", "Serving")

    from tfxkit.runs.interruption import Interruption
    from tfxkit.runs.run_log import captured

    outputs = pipeline_outputs(args)
    if not outputs.serving.is_dir():
        raise _nothing_pushed(outputs)
    with captured(outputs.root / "serve.log") as terminal, Interruption().watched():
        try:
            _serve(outputs, args, terminal)
        except KeyboardInterrupt:  # the usual end
            terminal.write("Stopped.\n")
    return 0


def _serve(outputs: Outputs, args: argparse.Namespace, terminal: TextIO) -> None:
    import gc
    import logging
    import time

    from tfxkit.serving import server

    ports = server.Ports(args.host, args.port, args.grpc_port)

    from tfxkit.serving.grpc_services import add_services
    from tfxkit.serving.metrics import RequestMetrics
    from tfxkit.serving.rest import create_app
    from tfxkit.serving.versions import Versions
    from tfxkit.storage import served_model

    logging.basicConfig(level=logging.INFO)
    # Imported modules stay: collecting them would add to the latency, and take two seconds at the
    # end of the process.
    gc.freeze()
    gc.set_threshold(700, 10, 10)  # Python's own, for short pauses
    name = outputs.root.name
    if not served_model.complete_versions(str(outputs.serving)):
        raise _nothing_pushed(outputs)
    versions = Versions(name, str(outputs.serving), lambda line: terminal.write(line + "\n"))
    versions.look()
    time.sleep(server.LOOK_EVERY_S)  # a version that has not changed until then is complete
    versions.look()
    if versions.current is None:
        raise UsageError(f"No version in {outputs.serving} can be served")
    metrics = RequestMetrics(name)
    add_services(ports.grpc_server, versions, metrics)
    with server.running(ports, create_app(versions, metrics), versions) as answering:
        terminal.write(
            f"REST: http://{ports.rest}/v1/models/{name}:predict\n"
            f"gRPC: {ports.grpc}\n"
            f"Health: http://{ports.rest}/healthz; Ctrl-C ends it; log: {outputs.root}/serve.log\n"
        )
        while answering.is_alive():
            answering.join(1)


def _nothing_pushed(outputs: Outputs) -> UsageError:
    return UsageError(f"No model has been pushed to {outputs.serving}: {outputs.command('run')}")


SUBCOMMANDS = (
    Subcommand("lineage", _LINEAGE, _add_lineage_arguments, show_lineage),
    Subcommand("predict", _PREDICT, _add_predict_arguments, write_predictions),
    Subcommand("rollback", _ROLLBACK, _add_rollback_arguments, roll_back),
    Subcommand("serve", _SERVE, _add_serve_arguments, serve_models),
)
