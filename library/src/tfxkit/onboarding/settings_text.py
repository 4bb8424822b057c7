"""The texts of `configs/base.yaml` and `configs/fast.yaml` for a data set of a certain size."""

from __future__ import annotations

import dataclasses

from tfxkit.config.data import PLAIN_CSV, CsvFormat
from tfxkit.onboarding.dataset_text import scalar

_SPLITS = "{train: 2, eval: 1}"
_TRAIN_SHARE = 0.6  # of all rows: two thirds, less what is held out to stop by
# Each epoch should be some dozens of steps: with a handful, as many epochs as it takes for the
# weights to get anywhere would all be spent before.
_STEPS = 40
_BATCH_SIZES = (16, 32, 64, 128, 256)
# Below, a tenth of the training rows is too few to tell a better epoch from a lucky one.
_FEW_ROWS = 3_000
# From here on the loss on a tenth is steady enough that three epochs without a gain tell the end.
_MANY_ROWS = 10_000


@dataclasses.dataclass(frozen=True)
class Training:
    """Settings of the training that depend on the number of rows."""

    batch_size: int
    epochs: int
    patience: int
    held_out: float

    @classmethod
    def for_rows(cls, rows: int) -> Training:
        """Settings that suit the number of rows."""
        wanted = rows * _TRAIN_SHARE / _STEPS
        fitting = [size for size in _BATCH_SIZES if size <= wanted]
        few = rows < _FEW_ROWS
        return cls(
            batch_size=max(fitting, default=_BATCH_SIZES[0]),
            epochs=100 if few else 40,
            patience=15 if few else 5 if rows < _MANY_ROWS else 3,
            held_out=0.2 if few else 0.1,
        )


def base(name: str, path: str, rows: int, how: CsvFormat | None, missing: tuple[str, ...]) -> str:
    """The text of base.yaml.

    Args:
        name: Of the pipeline.
        path: The folder of spans, as the configuration writes it.
        rows: Of all data.
        how: How the CSV files are written; None for Parquet.
        missing: Words that count as a missing value.
    """
    training = Training.for_rows(rows)
    lines = [
        "# What holds everywhere. Each overlay (local.yaml, fast.yaml, …) says only what it",
        "# changes; `python -m pipeline config show` prints the result, `config schema` every key",
        "# with its meaning. Paths are relative to the folder that holds this configs folder.",
        "",
        f"pipeline: {scalar(name)}",
        "",
        "data:",
        f"  path: {scalar(path)} # span-1, span-2, … inside",
        "  spans: all # all, newest, one number, or last:N",
        f"  splits: {_SPLITS} # by hash of the row, so it stays there; or see split_by, split_at",
        *_csv(how, missing),
        "",
        f"# For {rows:,} rows: steps of so few rows that an epoch has dozens; and where rows",
        "# are few, more of them held out and more patience, for the loss on few rows is noisy.",
        "train:",
    ]
    lines += [f"  {name}: {value}" for name, value in dataclasses.asdict(training).items()]
    return "\n".join(lines) + "\n"


def fast(name: str, rows: int) -> str:
    """The text of fast.yaml."""
    training = Training.for_rows(rows)
    return f"""\
# Everything in well under a minute, for tests and for trying things: --config fast.
# A small network and few epochs. The thresholds are those of dataset.yaml, which are low.

pipeline: {scalar(f"{name}-fast")} # a model made in a hurry must not replace the one being served

data:
  spans: last:2
model: {{members: 4, width: 64}}
train: {{epochs: 12, batch_size: {min(training.batch_size, 128)}}}
"""


def _csv(how: CsvFormat | None, missing: tuple[str, ...]) -> list[str]:
    if how is None or (how == PLAIN_CSV and not missing):
        return []
    lines = ["  csv: # how the files are written"]
    for name in ("delimiter", "quote", "encoding", "decimal"):
        if getattr(how, name) != getattr(PLAIN_CSV, name):
            lines.append(f"    {name}: {scalar(getattr(how, name))}")
    if missing:
        lines.append(f"    missing: {scalar(list(missing))} # count as no value, in every column")
    return lines
