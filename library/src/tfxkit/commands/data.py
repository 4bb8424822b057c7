"""Subcommands about the description of the data: `init` and `schema`."""

from __future__ import annotations

import argparse
from pathlib import Path

from tfxkit.commands import Subcommand
from tfxkit.config.selection import ConfigSelection
from tfxkit.errors import UsageError
from tfxkit.options import add_config_options, config_selection

_INIT = """\
Describe a data set of your own: writes configs/dataset.yaml, schema.pbtxt, base.yaml and others.

Looks at the data, proposes a role for each column, label, task, bounds and schema, and says why.
CSV files (other delimiters and encodings, gzip too), Parquet files, or a folder of either are
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
        "--task", choices=("binary", "multiclass", "regression"), help="(default: as the label is)"
    )
    parser.add_argument(
        "--name", help="of the pipeline: a-z, 0-9 and dashes (default: as the data is called)"
    )
    parser.add_argument(
        "--force", action="store_true", help="replace the files that are there; they are kept"
    )
    parser.add_argument(
        "--config-dir",
        type=Path,
        metavar="FOLDER",
        help="the folder to write to (default: configs)",
    )


def describe_data(args: argparse.Namespace) -> int:
    """Describes a data set; returns 0."""
    import tempfile

    from tfxkit.onboarding import source, table, writing
    from tfxkit.runs.run_log import captured

    selection = ConfigSelection(config_dir=args.config_dir)
    config_dir = selection.folder().resolve()
    root = config_dir.parent
    found = source.find(args.data)
    name = source.checked_name(args.name) if args.name is not None else found.name
    data = writing.place_of(found, root)
    names = ("dataset.yaml", "schema.pbtxt", "base.yaml", "fast.yaml", "model_card.yaml")
    if not args.force:
        writing.refuse_existing(config_dir, names, None if found.spans else data)
    read = table.read(found)
    with tempfile.NamedTemporaryFile() as log, captured(Path(log.name)) as terminal:
        from tfxkit.config.dataset import Task
        from tfxkit.onboarding import (
            dataset_text,
            model_card_text,
            plan,
            schema_file,
            settings_text,
        )

        decided = plan.make(read, args.label, Task(args.task) if args.task else None)
        rows = decided.label.present
        place = writing.as_configured(data, root)
        texts = {
            "schema.pbtxt": schema_file.text(decided),
            "base.yaml": settings_text.base(name, place, rows, read.how, decided.missing),
            "fast.yaml": settings_text.fast(name, rows),
            "model_card.yaml": model_card_text.text(decided, name),
            "dataset.yaml": dataset_text.text(decided),  # the last: all is there once it is
        }
        writing.check(config_dir, texts)
        kept = writing.write(config_dir, texts, found, data)

        from tfxkit.onboarding.screen import show

        show(terminal, decided, read)
        terminal.write(f"\nThe data is in {data}.\nWritten to {config_dir}: {', '.join(texts)}.\n")
        if kept:
            terminal.write(f"The old files are in {kept}.\n")
        terminal.write(f"Look them over, then: {selection.command('run')}\n")
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
