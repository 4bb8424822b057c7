"""Subcommands about the description of the data: `init` and `schema`."""

from __future__ import annotations

import argparse
from pathlib import Path

from tfxkit.commands import Subcommand, add_config_options, config_selection
from tfxkit.config.selection import ConfigSelection
from tfxkit.errors import UsageError

_INIT = """\
Describe a data set of your own: writes configs/dataset.yaml, schema.pbtxt, base.yaml and others.

Proposes a role for each column, label, task, thresholds and schema, each with its reason.
CSV files (of any delimiter, packed or not), Parquet files, JSON lines, or a folder of them are
copied to data/NAME/span-1; a folder of span-1, span-2, … is used where it lies. Options can also
stand in a file, one a line: `python -m pipeline init @configs/init.txt`.
"""


def _add_init_arguments(parser: argparse.ArgumentParser) -> None:
    parser.fromfile_prefix_chars = "@"
    parser.convert_arg_line_to_args = _option_of_line  # type: ignore[assignment, method-assign]
    parser.add_argument(
        "--data", type=Path, nargs="+", required=True, metavar="FILE", help="files, or one folder"
    )
    parser.add_argument(
        "--label", metavar="COLUMN", help="what is predicted (default: by its name, else the last)"
    )
    parser.add_argument(
        "--task",
        choices=("binary", "multiclass", "regression"),
        help="(default: inferred from the label)",
    )
    parser.add_argument(
        "--name",
        help="of the pipeline: a-z, 0-9 and dashes (default: inferred from the name of the data)",
    )
    parser.add_argument(
        "--csv",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="format of the CSV files where it is not detected: encoding=cp1251; again for more",
    )
    parser.add_argument(
        "--missing",
        nargs="*",
        metavar="WORD",
        help="words for missing values, in place of NA, null, ? and others",
    )
    parser.add_argument(
        "--known",
        nargs="+",
        default=[],
        metavar="COLUMN",
        help="columns to keep although they give the label away: known when a prediction is made",
    )
    parser.add_argument(
        "--force", action="store_true", help="replace existing files, after a backup"
    )
    parser.add_argument(
        "--config-dir",
        type=Path,
        metavar="FOLDER",
        help="the folder to write to (default: configs)",
    )
    parser.add_argument(
        "--no-next-step",
        action="store_true",
        help="do not print the next command, which `make run` runs anyway",
    )


def describe_data(args: argparse.Namespace) -> int:
    """Profiles the data, writes the files and prints the plan; returns 0."""
    import tempfile

    from tfxkit.onboarding import files, schema_file
    from tfxkit.onboarding.dialect import given_format
    from tfxkit.onboarding.source import checked_name, find_source
    from tfxkit.onboarding.table import read_table
    from tfxkit.runs.run_log import captured

    selection = ConfigSelection(config_dir=args.config_dir)
    config_dir = selection.folder().resolve()
    root = config_dir.parent
    given = given_format(args.csv)
    source = find_source(args.data)
    name = checked_name(args.name) if args.name is not None else source.name
    data = files.data_folder(source, root)
    names = ("dataset.yaml", "schema.pbtxt", "base.yaml", "fast.yaml", "model_card.yaml")
    if not args.force:
        files.refuse_existing(config_dir, names, None if source.spans else data)
    with tempfile.NamedTemporaryFile() as log, captured(Path(log.name)) as terminal:
        table = read_table(source, given)
        from tfxkit.config.dataset import Task
        from tfxkit.onboarding.plan import make_plan
        from tfxkit.onboarding.screen import show_plan
        from tfxkit.onboarding.trial import check_files, check_spans

        check_spans(source)
        task = Task(args.task) if args.task else None
        plan = make_plan(
            table,
            args.label,
            task,
            args.missing,
            known=args.known,
            growing=source.span_count > 1,
        )
        rows = plan.label.present
        path = files.configured_path(data, root)
        texts = {
            "schema.pbtxt": schema_file.schema_text(plan),
            "base.yaml": files.base_text(name, path, rows, table, plan),
            "fast.yaml": files.fast_text(name, rows, plan.time_split),
            "model_card.yaml": files.model_card_text(plan, name),
            "dataset.yaml": files.dataset_text(plan),  # the last: it marks a complete set of files
        }
        check_files(config_dir, texts, table, plan)
        kept = files.write_files(config_dir, texts, source, data)

        show_plan(terminal, plan, table)
        terminal.write(f"\nThe data is in {data}.\nWritten to {config_dir}: {', '.join(texts)}.\n")
        if kept:
            terminal.write(f"The old files are in {kept}.\n")
        if not args.no_next_step:
            terminal.write(f"Review these files, then: {selection.command('run')}\n")
    return 0


def _option_of_line(line: str) -> list[str]:
    return [line] if line.strip() else []


_SCHEMA = """\
Show (diff) or write (accept) what the newest run's data would change in configs/schema.pbtxt.
"""


def _add_schema_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=("diff", "accept"))
    parser.add_argument("columns", metavar="COLUMN", nargs="*", help="only these (default: all)")
    add_config_options(parser)


def review_schema(args: argparse.Namespace) -> int:
    """Compares the schema with the data of the newest run; returns 0."""
    from tfxkit.runs.run_log import captured
    from tfxkit.runs.summary import find_run

    selection = config_selection(args)
    from tfxkit.runs.outputs import Outputs

    outputs = Outputs.of(selection)
    newest = find_run(outputs, "latest")

    with captured(outputs.runs / newest.run_id / "schema.log") as terminal:
        from tfxkit.config.loading import SCHEMA_FILE
        from tfxkit.runs import schema
        from tfxkit.runs.metadata import RunMetadata

        artifacts = RunMetadata(outputs.metadata, newest.run_id).outputs()
        if "StatisticsGen" not in artifacts:
            raise UsageError(
                f"Run {newest.run_id} has no statistics of its data: it ended before that step or "
                f"started after it. Run it: {outputs.command('run', '--to', 'StatisticsGen')}"
            )
        action = schema.accept if args.what == "accept" else schema.diff
        statistics = artifacts["StatisticsGen"]["statistics"]
        file = selection.folder() / SCHEMA_FILE
        terminal.write(action(file, statistics.uri, args.columns) + "\n")
    return 0


SUBCOMMANDS = (
    Subcommand("init", _INIT, _add_init_arguments, describe_data),
    Subcommand("schema", _SCHEMA, _add_schema_arguments, review_schema),
)
