"""Compile the pipeline for a backend (--target), or check a compiled one (--check).

Writes a package that `submit`, the backend's page or its own client can start. It is checked
first against what the backend would refuse; if it does not pass, nothing is written.
"""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path
from typing import TYPE_CHECKING

from tfxkit.extras import require_extra
from tfxkit.kubeflow import TARGETS
from tfxkit.options import add_config_options, add_engine_option, config_selection

if TYPE_CHECKING:
    from tfxkit.config.selection import ConfigSelection
    from tfxkit.kubeflow.package import Package
    from tfxkit.runs.outputs import Outputs

_RUNNERS = "tfxkit.kubeflow.runners"
_SHOWN = 80  # characters of a default on the screen


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options of this subcommand."""
    parser.add_argument(
        "--target", choices=TARGETS, default=TARGETS[0], help="the backend (default: %(default)s)"
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FILE",
        help="where to write it (default: outputs/PIPELINE/TARGET.yaml)",
    )
    parser.add_argument(
        "--check", type=Path, metavar="FILE", help="only say what the target would refuse of FILE"
    )
    add_config_options(parser, default="the target's name")
    add_engine_option(parser)


def run(args: argparse.Namespace) -> int:
    """Compiles or checks; returns 0."""
    require_extra(args.target, "Compiling")

    from tfxkit.kubeflow.checks import ensure_fit
    from tfxkit.kubeflow.package import read_package, write_package

    if args.check:
        ensure_fit(read_package(args.check), args.target, str(args.check))
        print(f"{args.check}: nothing in it that {args.target} would refuse")
        return 0

    from tfxkit.runs.run_log import captured

    selection = config_selection(args, args.target)
    config = selection.load()
    from tfxkit.runs.outputs import Outputs

    outputs = Outputs.of(selection, config)
    path = args.output or outputs.package(args.target)
    with captured(outputs.root / "compile.log") as terminal:
        runner = importlib.import_module(f"{_RUNNERS}.{args.target}")
        package = runner.compile_package(config, selection.folder())
        ensure_fit(package, args.target, f"{config.pipeline}, compiled for {args.target},")
        write_package(package, path)
        start = _start_command(outputs, selection, args.target, path)
        terminal.write(_description(package, path, args.target, start))
    return 0


def _start_command(outputs: Outputs, selection: ConfigSelection, target: str, path: Path) -> str:
    """The command that starts a run of this very package.

    `submit FILE` refuses settings of what is compiled already, so with any of those the command
    compiles once more.
    """
    from tfxkit.runs.outputs import shown

    compiled_in = [one for one in selection.settings if not one.startswith("outputs=")]
    file = () if compiled_in else (shown(path),)
    return outputs.command("submit", *file, "--target", target)


def _description(package: Package, path: Path, target: str, start: str) -> str:
    """The package, its parameters, and the next command, or what is missing before it."""
    import json

    from tfxkit.kubeflow.parameters import declared_parameters
    from tfxkit.kubeflow.submission import explain_examples, remaining_examples

    lines = [f"{package.name}, compiled for {target}: {path}", "", "A run may be given:"]
    for name, parameter in sorted(declared_parameters(package.spec).items()):
        default = parameter["defaultValue"]
        text = default if isinstance(default, str) else json.dumps(default)
        lines.append(f"  {name:12} {text if len(text) <= _SHOWN else text[: _SHOWN - 1] + '…'}")
    if examples := remaining_examples(package, target, {}):
        lines += ["", f"Not ready to start: {explain_examples(examples, target)}"]
        lines += ["Then compile again.", ""]
    else:
        lines += ["", f"Start one: {start}", ""]
    return "\n".join(lines)
