"""Subcommands for Kubeflow Pipelines and Vertex AI: `compile` and `submit`."""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from tfxkit.commands import Subcommand, add_config_options, add_engine_option, config_selection
from tfxkit.errors import UsageError
from tfxkit.extras import require_extra
from tfxkit.kubeflow import TARGETS
from tfxkit.runs.interruption import EXIT_CODE

if TYPE_CHECKING:
    from tfxkit.config.selection import ConfigSelection
    from tfxkit.kubeflow.package import Package
    from tfxkit.kubeflow.remote_run import RemoteRun
    from tfxkit.runs.outputs import Outputs

_RUNNERS = "tfxkit.kubeflow.runners"
_SHOWN = 80  # characters of a default on the screen

_COMPILE = """\
Compile the pipeline for a backend (--target), or check a compiled one (--check).

Writes a package that `submit`, the backend's page or its own client can start. It is checked
first against what the backend would refuse; if it does not pass, nothing is written.
"""


def _add_compile_arguments(parser: argparse.ArgumentParser) -> None:
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
        "--check", type=Path, metavar="FILE", help="only check FILE against the target's rules"
    )
    add_config_options(parser, default="the target's name")
    add_engine_option(parser)


def compile_pipeline(args: argparse.Namespace) -> int:
    """Compiles or checks; returns 0."""
    require_extra(args.target, "Compiling")

    from tfxkit.kubeflow.checks import ensure_fit
    from tfxkit.kubeflow.package import read_package, write_package

    if args.check:
        ensure_fit(read_package(args.check), args.target, str(args.check))
        print(f"{args.check}: fits the rules of {args.target}")
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
        _warn(package, terminal)
        terminal.write(_description(package, path, args.target, start))
    return 0


def _warn(package: Package, terminal: TextIO) -> None:
    for warning in package.warnings:
        terminal.write(f"Warning: {warning}.\n")


def _start_command(outputs: Outputs, selection: ConfigSelection, target: str, path: Path) -> str:
    """The command that starts a run of this very package.

    `submit FILE` refuses settings of what is compiled already, so with any of those the command
    compiles once more.
    """
    from tfxkit.runs.outputs import shown

    compiled_in = [each for each in selection.settings if not each.startswith("outputs=")]
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


_SUBMIT = """\
Start a run on a backend (--target), now or on a schedule.

Without FILE the pipeline is compiled first. What changes from run to run is given here, in place of
the package's defaults; everything is checked before it is sent. Credentials are the client's own:
kubeconfig, KF_PIPELINES_ENDPOINT, token files; application default credentials for Vertex AI.
"""


def _add_submit_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file", type=Path, metavar="FILE", nargs="?", help="a compiled package (else: compile one)"
    )
    parser.add_argument(
        "--target", choices=TARGETS, default=TARGETS[0], help="the backend (default: %(default)s)"
    )
    add_config_options(parser, default="the target's name")
    add_engine_option(parser)
    parser.add_argument("--data-path", metavar="PATH", help="the folder of spans to read")
    parser.add_argument("--spans", metavar="SPANS", help="all, newest, a number, or last:N")
    parser.add_argument(
        "--threshold",
        action="append",
        default=[],
        dest="thresholds",
        metavar="METRIC.KEY=NUMBER",
        help="change one threshold, such as auc.min=0.9; null takes it away; may be given again",
    )
    parser.add_argument(
        "--parameter",
        action="append",
        default=[],
        dest="parameters",
        metavar="NAME=VALUE",
        help="give any parameter of the package; may be given again",
    )
    parser.add_argument("--name", metavar="NAME", help="of the run (default: pipeline and time)")
    parser.add_argument("--experiment", metavar="NAME", help="experiment for the run")
    parser.add_argument("--wait", action="store_true", help="watch the steps until the run ends")
    parser.add_argument("--schedule", metavar="CRON", help="cron schedule, five fields")
    parser.add_argument(
        "--timezone", metavar="ZONE", help="of the schedule, such as Europe/Berlin (Vertex AI)"
    )


def submit_run(args: argparse.Namespace) -> int:
    """Submits; returns 0, or with --wait 1 if the run did not succeed."""
    require_extra(args.target, "Submitting")

    from tfxkit.kubeflow.package import read_package
    from tfxkit.kubeflow.remote_run import RemoteSchedule
    from tfxkit.kubeflow.schedule import parse_schedule
    from tfxkit.kubeflow.submission import RunOptions, submit
    from tfxkit.runs.run_log import captured

    if args.schedule is None and args.timezone:
        raise UsageError("--timezone belongs to a --schedule")
    if args.schedule is not None and args.wait:
        raise UsageError("--wait is for a run that starts now, not for a --schedule")
    if args.file:
        _refuse_compiled_settings(args)
    options = RunOptions(
        values=_values(args),
        thresholds=args.thresholds,
        name=args.name,
        experiment=args.experiment,
        schedule=parse_schedule(args.schedule, args.timezone, args.target)
        if args.schedule is not None
        else None,
    )
    compiled = read_package(args.file) if args.file else None
    selection = config_selection(args, args.target)
    config = selection.load()
    from tfxkit.runs.outputs import Outputs

    outputs = Outputs.of(selection, config)
    with captured(outputs.root / "submit.log") as terminal:
        if compiled is None:
            runner = importlib.import_module(f"{_RUNNERS}.{args.target}")
            compiled = runner.compile_package(config, selection.folder())
            if args.data_path is None:
                _warn(compiled, terminal)
        started = submit(compiled, args.target, config, options)
        noun = "Run" if args.schedule is None else "Schedule"
        terminal.write(f"{noun} {started.id} of {compiled.name} on {args.target}\n{started.page}\n")
        if isinstance(started, RemoteSchedule) or not args.wait:
            return 0
        return _watch(started, terminal)


def _refuse_compiled_settings(args: argparse.Namespace) -> None:
    """Refuses settings that are compiled into the package; those of the submission apply."""
    from tfxkit.config.remote import COMPILED

    if args.engine:
        raise UsageError(f"{args.file} is compiled for an engine already: --engine is for compile")
    for setting in args.settings:
        key = setting.partition("=")[0]
        section, _, rest = key.partition(".")
        applies = section == args.target and rest.partition(".")[0] not in ("", *COMPILED)
        if key != "outputs" and not applies:
            raise UsageError(
                f"{args.file} is compiled already: --set {key} would change nothing. Compile it "
                "again, or give what changes from run to run (--parameter, --data-path, --spans, "
                "--threshold)"
            )


def _values(args: argparse.Namespace) -> dict[str, str]:
    """The values of the package's parameters, as texts."""
    values = {}
    for setting in args.parameters:
        name, equals, text = setting.partition("=")
        if not equals or not name:
            raise UsageError(f"--parameter {setting}: write it as NAME=VALUE")
        values[name] = text
    for name in ("data_path", "spans"):
        if (text := getattr(args, name)) is not None:
            if name in values:
                raise UsageError(f"{name} is given twice, by --parameter and by its own option")
            values[name] = text
    return values


def _watch(started: RemoteRun, terminal: TextIO) -> int:
    from tfxkit.kubeflow.remote_run import NoAnswerError, Phase, outcome, watch

    goes_on = f"No longer watching; the run goes on: {started.page}\n"
    try:
        status = watch(started, terminal)
    except KeyboardInterrupt:
        terminal.write(f"\n{goes_on}")
        return EXIT_CODE
    except (NoAnswerError, UsageError) as error:
        terminal.write(f"\n{error}\n{goes_on}")
        return 1
    terminal.write(f"\n{outcome(started, status)}\n")
    return 0 if status.phase is Phase.SUCCEEDED else 1


SUBCOMMANDS = (
    Subcommand("compile", _COMPILE, _add_compile_arguments, compile_pipeline),
    Subcommand("submit", _SUBMIT, _add_submit_arguments, submit_run),
)
