"""Files in `configs/` for a data set: their texts, with the reason of each choice, and the writing.

All files are written or none, and the old ones are kept.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
import tempfile
import textwrap
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from tfxkit.config.data import ColumnFormat, CsvFormat
from tfxkit.config.dataset import Role, Task
from tfxkit.errors import UsageError
from tfxkit.onboarding.source import Source, data_file_names, fast_pipeline_name

if TYPE_CHECKING:  # these import TFDV
    from tfxkit.onboarding.plan import Plan
    from tfxkit.onboarding.roles import Decision
    from tfxkit.onboarding.table import Table
    from tfxkit.onboarding.time_split import TimeSplit

_WIDTH = 100
_SPLITS = "{train: 2, eval: 1}"
_TRAIN_SHARE = 0.6  # of all rows: two thirds, less the rows held out for early stopping
# Steps of an epoch, at least: with a handful of steps, all epochs would be over before the weights
# had moved far.
_STEPS = 40
_BATCH_SIZES = (16, 32, 64, 128, 256)
# Below, a tenth of the training rows is too few to distinguish a better epoch from a lucky one.
_FEW_ROWS = 3_000
# Above, the loss on a tenth is so steady that training can stop after three epochs without a gain.
_MANY_ROWS = 10_000
_BASE_HEAD = """\
# The configuration of every run. An overlay (local.yaml, fast.yaml, …) has only the values that
# differ. `python -m pipeline config show` prints the result, `config schema` every key with its
# meaning. Paths are relative to the parent of this folder.
"""
_PREDICTS = {
    Task.BINARY: "The probability that {label} is the positive value",
    Task.MULTICLASS: "The probability of each value of {label}",
    Task.REGRESSION: "The value of {label}",
}


def dataset_text(plan: Plan) -> str:
    """Text of dataset.yaml."""
    parts = [
        _dataset_head(plan),
        _label_lines(plan),
        _column_lines(plan),
        _evaluation_lines(plan),
        _validation_lines(plan),
    ]
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def _scalar(value: Any) -> str:
    """Value as YAML on one line, in quotes where it needs them."""
    broken = isinstance(value, str) and len(value.splitlines()) > 1  # needs double quotes
    dumped = yaml.safe_dump(
        value,
        default_flow_style=True,
        default_style='"' if broken else None,
        allow_unicode=True,
        width=float("inf"),
        sort_keys=False,
    )
    return dumped.removesuffix("...\n").strip()


def _comment(line: str, indent: str = "") -> list[str]:
    """Lines of a comment; line breaks in the data become spaces."""
    return textwrap.wrap(
        " ".join(line.split()),
        _WIDTH,
        initial_indent=f"{indent}# ",
        subsequent_indent=f"{indent}# ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _dataset_head(plan: Plan) -> list[str]:
    rows = f"{plan.label.rows:,} rows and {len(plan.columns):,} columns"
    return [
        "# The description of the data, for features, model inputs, evaluation and data gate.",
        "#",
        f"# Proposed by `python -m pipeline init` from {rows}.",
        "# Correct what you know better.",
    ]


def _label_lines(plan: Plan) -> list[str]:
    label = plan.target.label
    lines = [line for why in plan.target.why for line in _comment(why)]
    lines += [f"task: {plan.target.task}", "", "label:", f"  column: {_scalar(label.column)}"]
    if label.positive is not None:
        lines.append(f"  positive: {_scalar(label.positive)}")
        lines.append(f"  negative: {_scalar(label.negative)} # any other value stops the run")
    if label.missing != "refuse":
        lines.append(f"  missing: {label.missing} # in {plan.label.missing:,} rows")
    if label.classes:
        lines += ["  classes:"]
        lines += [
            f"    - {_scalar(value)} # {plan.target.counts.get(value, 0):,} rows"
            for value in label.classes
        ]
    return lines


def _column_lines(plan: Plan) -> list[str]:
    lines = ["columns:"]
    for name, decision in plan.roles.items():
        if decision.role is not Role.IGNORED:
            lines += _column_line(name, decision)
    ignored = {
        name: plan.roles[name] for name in plan.roles if plan.roles[name].role is Role.IGNORED
    }
    if ignored:
        lines += ["", "  # Ignored. To use a column, give it another role."]
    for name, decision in ignored.items():
        lines += [f"  {_scalar(name)}:", "    role: ignored", f"    why: {_scalar(decision.why)}"]
    return lines


def _column_line(name: str, decision: Decision) -> Iterator[str]:
    options = {"role": str(decision.role), **decision.options}
    yield f"  {_scalar(name)}: {_scalar(options)} # {' '.join(decision.why.split())}"


def _evaluation_lines(plan: Plan) -> list[str]:
    lines = [
        "# Requirements for serving a model, measured on the eval split. Only a useless model",
        "# misses these thresholds: raise them to the level of your models.",
        "evaluation:",
    ]
    if plan.slices:
        lines += ["  slices: # groups of people and places, then columns of few values"]
        lines += [f"    - {_scalar([name])}" for name in plan.slices]
    else:
        lines += ["  slices: [] # no column has few values, with enough rows of each"]
    for note in plan.no_slices:
        lines += _comment(note, "  ")
    lines += ["  thresholds:"]
    lines += [
        f"    {metric}: {_scalar(dict(threshold.values))} # {threshold.why}"
        for metric, threshold in plan.thresholds.items()
    ]
    return lines


def _validation_lines(plan: Plan) -> list[str]:
    lines = ["validation:", "  stop_at: error # warning, error or never"]
    if not plan.drift:
        return [*lines, "  drift: {} # with few rows, chance alone exceeds any limit"]
    lines += [
        "  # Limits on drift from the training data of the served model. With this number of rows,",
        "  # chance alone does not exceed them.",
        "  drift:",
    ]
    return lines + [
        f"    {_scalar(name)}: {_scalar({distance: limit})}"
        for name, (distance, limit) in plan.drift.items()
    ]


@dataclasses.dataclass(frozen=True)
class SizedTraining:
    """Settings of the training that depend on the number of rows."""

    batch_size: int
    epochs: int
    patience: int
    held_out: float

    @classmethod
    def for_rows(cls, rows: int) -> SizedTraining:
        """Settings that suit the number of rows."""
        most = rows * _TRAIN_SHARE / _STEPS
        fitting = [size for size in _BATCH_SIZES if size <= most]
        few = rows < _FEW_ROWS
        return cls(
            batch_size=max(fitting, default=_BATCH_SIZES[0]),
            epochs=100 if few else 40,
            patience=15 if few else 5 if rows < _MANY_ROWS else 3,
            held_out=0.2 if few else 0.1,
        )


def base_text(name: str, path: str, rows: int, table: Table, plan: Plan) -> str:
    """Text of base.yaml.

    Args:
        name: Name of the pipeline.
        path: Folder of spans, as in the configuration.
        rows: Number of all rows.
        table: Format of the files.
        plan: Splits, and formats of single columns.
    """
    training = SizedTraining.for_rows(rows)
    lines = [
        _BASE_HEAD,
        f"pipeline: {_scalar(name)}",
        "",
        "data:",
        f"  path: {_scalar(path)} # with the folders span-1, span-2, …",
        "  spans: all # all, newest, one number, or last:N",
        *_split_lines(plan.time_split),
        *_csv_lines(table, plan.missing),
        *_format_lines(plan.formats),
        "",
        f"# Chosen for {rows:,} rows. An epoch has dozens of steps. The loss on few rows is noisy:",
        "# the fewer the rows, the more are held out, and the longer training waits for a gain.",
        "train:",
    ]
    lines += [f"  {name}: {value}" for name, value in dataclasses.asdict(training).items()]
    return "\n".join(lines) + "\n"


def _split_lines(split: TimeSplit | None) -> list[str]:
    """Lines of the section `data` about the splits."""
    if split is None:
        note = "by hash, so a row stays in its split; see also split_by, split_at"
        return [f"  splits: {_SPLITS} # {note}"]
    from tfxkit.onboarding.time_split import effect_lines  # loads TFDV

    head, *variants = effect_lines(split)
    widths = [max(map(len, column)) for column in zip(head, *variants, strict=True)]
    table = [
        "  #   " + "  ".join([first.ljust(widths[0]), *map(str.rjust, numbers, widths[1:])])
        for first, *numbers in (head, *variants)
    ]
    at = {"column": split.column, "bounds": {"eval": split.bound}}
    setting = f"  split_at: {_scalar(at)}" + ("" if split.day == split.bound else f" # {split.day}")
    if not split.active:
        return [
            f"  splits: {_SPLITS} # by hash, so a row stays in its split; see also split_by",
            *_comment(
                f"A model that predicts the future should be evaluated on the newest rows. To "
                f"split by {split.column}, remove the # before split_at, and move its bound when "
                "spans are added: all rows from it on are in eval.",
                "  ",
            ),
            *table,
            setting.replace("  ", "  # ", 1),
        ]
    return [
        f"  splits: {_SPLITS} # the shares do not count with split_at",
        *_comment(
            f"The model is evaluated on the newest rows, by {split.column}, as it will predict the "
            "future from the past. All rows from the bound on are in eval: move it when spans are "
            "added. Without this key, rows are split at random.",
            "  ",
        ),
        *table,
        setting,
    ]


def fast_text(name: str, rows: int, split: TimeSplit | None = None) -> str:
    """Text of fast.yaml.

    Args:
        name: Name of the pipeline.
        rows: Number of all rows.
        split: Split by time, of which the last spans may have one part only.
    """
    spans = "all # with data.split_at, the last spans may lack a split"
    spans = spans if split and split.active else "last:2"
    pipeline = _scalar(fast_pipeline_name(name))
    training = SizedTraining.for_rows(rows)
    return f"""\
# A whole run in well under a minute, for tests and experiments: --config fast.
# The network is small and trains for few epochs. The thresholds are those of dataset.yaml.

pipeline: {pipeline} # a quick model must not replace the served one

data:
  spans: {spans}
model: {{members: 4, width: 64}}
train: {{epochs: 12, batch_size: {min(training.batch_size, 128)}}}
"""


def _csv_lines(table: Table, missing: Sequence[str]) -> list[str]:
    csv_format = table.csv_format or CsvFormat.model_validate({"decimal": table.decimal.sign})
    keys = csv_format.model_dump(exclude_defaults=True)
    lines = [f"    {key}: {_scalar(value)}" for key, value in keys.items()]
    if missing:
        lines.append(f"    missing: {_scalar(list(missing))} # mean no value, in every column")
    # Missing words and decimal sign hold for text in Parquet files, too.
    return ["  csv: # the format of the files", *lines] if lines else []


def _format_lines(formats: Mapping[str, ColumnFormat]) -> list[str]:
    lines = [
        f"    {_scalar(name)}: {_scalar(each.model_dump(mode='json', exclude_defaults=True))}"
        for name, each in formats.items()
    ]
    return ["  columns: # other forms of values in single columns", *lines] if lines else []


def model_card_text(plan: Plan, name: str) -> str:
    """Text of model_card.yaml, as far as the data determine it.

    Args:
        plan: Facts about the data.
        name: Name of the pipeline.
    """
    label, task = plan.target.label.column, plan.target.task
    predicts = _PREDICTS[task].format(label=label)
    columns = len(plan.columns) - 1
    data = f"{plan.label.rows:,} rows with {columns} columns and the label, at the time of init."
    return f"""\
# The model card in the report of a run. No step reads this file, so an edit retrains nothing. Every
# key is optional. More keys: owners, intended_use, not_intended_for, limits, ethical_considerations
# (lists of sentences), licence.

title: {_scalar(name)}
description: {_scalar(f"{predicts}, from the other columns of the data.")}
data: {_scalar(data)}
"""


def data_folder(source: Source, root: Path) -> Path:
    """Folder of spans that a run will read: the named one, or one in the project."""
    return source.spans.resolve() if source.spans else root / "data" / source.name


def configured_path(path: Path, root: Path) -> str:
    """Path for the configuration: relative to the project's folder, if it lies inside."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def refuse_existing(config_dir: Path, names: Sequence[str], data: Path | None) -> None:
    """Refuses to replace existing files, unless they equal git's last commit.

    Args:
        config_dir: The folder of configurations.
        names: Files to write there.
        data: Folder to copy the data to; None if the data stays in its place.

    Raises:
        UsageError: If a file or the folder exists.
    """
    existing = [name for name in names if (config_dir / name).exists()]
    paths = [config_dir / name for name in uncommitted(config_dir, existing)]
    paths += [data] if data and data.exists() else []
    if paths:
        shown = "\n".join(f"  {path}" for path in paths)
        raise UsageError(
            f"These are there already, and not in git as they are:\n{shown}\n"
            "--force puts new ones in their place; the old ones are kept beside them."
        )


def write_files(
    config_dir: Path, texts: Mapping[str, str], source: Source, data: Path
) -> Path | None:
    """Copies the data, unless it stays in its place, then replaces the files.

    Args:
        config_dir: The folder of configurations.
        texts: Texts by name of the file.
        source: The data.
        data: The folder of spans, see `data_folder`.

    Returns:
        The folder that keeps the old files; None without any.
    """
    stamp = time.strftime("%Y%m%d-%H%M%S")
    if source.spans is None:
        _copy_data(source, data, stamp)
    kept = config_dir / f"before-init-{stamp}"
    for name in texts:
        if (config_dir / name).exists():
            kept.mkdir(exist_ok=True)
            shutil.copy2(config_dir / name, kept / name)
    with tempfile.TemporaryDirectory(dir=config_dir, prefix=".init-") as folder:
        for name, content in texts.items():
            Path(folder, name).write_text(content, encoding="utf-8")
        for name in texts:
            os.replace(Path(folder, name), config_dir / name)
    return kept if kept.exists() else None


def _copy_data(source: Source, data: Path, stamp: str) -> None:
    """Copies the data, under names that ExampleGen reads; the folder appears complete."""
    data.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=data.parent, prefix=f".{data.name}-") as folder:
        whole = Path(folder, data.name)
        (whole / "span-1").mkdir(parents=True)
        for path, name in zip(source.files, data_file_names(source.files), strict=True):
            shutil.copyfile(path, whole / "span-1" / name)
        if data.exists():
            data.rename(data.with_name(f"{data.name}-before-init-{stamp}"))
        whole.rename(data)


def uncommitted(folder: Path, names: Sequence[str]) -> list[str]:
    """Finds the files with content that git's last commit lacks.

    Args:
        folder: Their folder; need not be in a repository.
        names: Names of existing files.

    Returns:
        Names of the files that were changed, staged or never committed; all names without a
        repository, or without git.
    """
    if not names:
        return []
    listing = ["status", "--porcelain", "-z", "--ignored", "--untracked-files=all", "--no-renames"]
    command = ["git", "-C", str(folder), *listing, "--", *names]
    try:
        status = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return list(names)
    # Paths start at the repository's root; the first three characters are the state of the file.
    departing = {Path(entry[3:]).name for entry in status.split("\0") if entry}
    # An ignored folder is listed in place of its files.
    return [name for name in names if departing - set(names) or name in departing]
