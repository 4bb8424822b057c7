"""Start a run on a backend (--target), now or on a schedule.

Without FILE the pipeline is compiled first. What changes from run to run is given here, in place of
the package's defaults; everything is checked before it is sent. Credentials are the client's own:
kubeconfig, KF_PIPELINES_ENDPOINT, token files; application default credentials for Vertex AI.
"""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from tfxkit.errors import UsageError
from tfxkit.extras import require_extra
from tfxkit.kubeflow import TARGETS
from tfxkit.options import add_config_options, add_engine_option, config_selection

if TYPE_CHECKING:
    from tfxkit.kubeflow.remote_run import RemoteRun

INTERRUPTED = 130


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options of this verb."""
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
    parser.add_argument("--experiment", metavar="NAME", help="that the run is filed under")
    parser.add_argument("--wait", action="store_true", help="watch the steps until the run ends")
    parser.add_argument("--schedule", metavar="CRON", help="start it again and again: five fields")
    parser.add_argument(
        "--timezone", metavar="ZONE", help="of the schedule, such as Europe/Berlin (Vertex AI)"
    )


def run(args: argparse.Namespace) -> int:
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
        _refuse_what_is_compiled(args)
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
            runner = importlib.import_module(f"tfxkit.kubeflow.runners.{args.target}")
            compiled = runner.compile_package(config, selection.folder())
        started = submit(compiled, args.target, config, options)
        what = "Run" if args.schedule is None else "Schedule"
        terminal.write(f"{what} {started.id} of {compiled.name} on {args.target}\n{started.page}\n")
        if isinstance(started, RemoteSchedule) or not args.wait:
            return 0
        return _watch(started, terminal)


def _refuse_what_is_compiled(args: argparse.Namespace) -> None:
    """Refuses settings that the package already holds; only those of the submission apply."""
    from tfxkit.config.remote import COMPILED

    if args.engine:
        raise UsageError(f"{args.file} is compiled for an engine already: --engine is for compile")
    for setting in args.settings:
        key = setting.partition("=")[0]
        section, _, rest = key.partition(".")
        how_to_send = section == args.target and rest.partition(".")[0] not in ("", *COMPILED)
        if key != "outputs" and not how_to_send:
            raise UsageError(
                f"{args.file} is compiled already: --set {key} would change nothing. Compile it "
                "again, or give what changes from run to run (--parameter, --data-path, --spans, "
                "--threshold)"
            )


def _values(args: argparse.Namespace) -> dict[str, str]:
    """The values of parameters as texts."""
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
        return INTERRUPTED
    except (NoAnswerError, UsageError) as error:
        terminal.write(f"\n{error}\n{goes_on}")
        return 1
    terminal.write(f"\n{outcome(started, status)}\n")
    return 0 if status.phase is Phase.SUCCEEDED else 1
