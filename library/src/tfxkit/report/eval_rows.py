"""Rows of a run's splits: uniform samples, and the model's predictions for the eval split.

Intervals and curves need a prediction for each row, which the Evaluator does not keep. So the
exported model is called once, in this process, and its predictions are kept in the folder of the
run. A later run with the same model on the same rows reuses them.
"""

from __future__ import annotations

import dataclasses
import glob
import hashlib
import json
import os
import shutil
import zipfile
from pathlib import Path

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from tfxkit.features.label import LABEL_KEY
from tfxkit.storage import served_model
from tfxkit.storage.artifacts import SPLIT_PREFIX, rows_by_split

__all__ = ["sample_split"]

MOST_ROWS = 50_000  # larger splits are sampled: the page must not take minutes
BATCH_ROWS = 4096
_FORMAT = "1"  # part of the cache key: change it with the content of the file

Slices = tuple[tuple[str, ...], ...]


@dataclasses.dataclass(frozen=True)
class EvalRows:
    """Labels and predictions of the rows that have a label.

    Attributes:
        labels: Of shape [rows]: class, or number.
        predictions: Of shape [rows] or [rows, classes].
        names: Slice names in the Evaluator's notation: `payment_type: Cash`.
        slice_of: Of shape [slicings, rows]: an index into `names`, -1 for none.
        every: Sampling interval: one row in this many was taken.
    """

    labels: NDArray[np.float64]
    predictions: NDArray[np.float64]
    names: tuple[str, ...]
    slice_of: NDArray[np.int32]
    every: int

    def slices(self) -> dict[str, NDArray[np.intp]]:
        """Row indices of each slice."""
        members: dict[str, NDArray[np.intp]] = {}
        for codes in self.slice_of:
            order = np.argsort(codes, kind="stable")
            present, starts = np.unique(codes[order], return_index=True)
            for code, rows in zip(present, np.split(order, starts[1:]), strict=True):
                if code >= 0:
                    members[self.names[code]] = np.sort(rows)
        return members


def load_eval_rows(model_dir: str, examples_dir: str, slices: Slices, run_dir: Path) -> EvalRows:
    """Loads a model's predictions from a run's folder, or computes and keeps them.

    Args:
        model_dir: A SavedModel as the Trainer exports it.
        examples_dir: The folder of an `Examples` artifact.
        slices: The columns to slice by, each entry one column or several crossed.
        run_dir: The folder of the run; its neighbours are searched for kept predictions.
    """
    files = _split_files(examples_dir, "eval")
    identity = [_FORMAT, served_model.fingerprint(model_dir), slices, MOST_ROWS]
    identity += [[name, os.path.getsize(name), os.stat(name).st_mtime_ns] for name in files]
    key = hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:16]
    file = run_dir / f"predictions-{key}.npz"
    for kept in (file, *sorted(run_dir.parent.glob(f"*/{file.name}"))):
        if (rows := _read_kept_rows(kept)) is not None:
            if kept != file and not file.exists():
                _link(kept, file)
            return rows
    rows = _predict(model_dir, examples_dir, slices)
    _write(rows, file)
    return rows


def sample_split(examples_dir: str, split: str, most: int) -> tuple[tf.data.Dataset, int]:
    """Samples every n-th row of a split, evenly over all its files; all rows of a small split.

    Args:
        examples_dir: The folder of an `Examples` artifact.
        split: Name of the split.
        most: Maximum number of rows.

    Returns:
        The rows as serialized `tf.Example`s, and the sampling interval.
    """
    records = tf.data.TFRecordDataset(_split_files(examples_dir, split), compression_type="GZIP")
    total = (rows_by_split(examples_dir) or {}).get(split)
    if total is None:  # written by another ExampleGen
        sizes = records.batch(BATCH_ROWS).map(lambda batch: tf.size(batch, tf.int64))
        total = int(sizes.reduce(tf.constant(0, tf.int64), tf.add))
    every = max(1, -(-total // most))
    return records.shard(every, 0), every


def _split_files(examples_dir: str, split: str) -> list[str]:
    return sorted(glob.glob(os.path.join(glob.escape(examples_dir), f"{SPLIT_PREFIX}{split}", "*")))


def _predict(model_dir: str, examples_dir: str, slices: Slices) -> EvalRows:
    model = tf.saved_model.load(model_dir)
    serve, transform = (model.signatures[n] for n in ("serving_default", "transform_features"))
    records, every = sample_split(examples_dir, "eval", MOST_ROWS)
    labels, predictions, names = [], [], []
    for batch in records.batch(BATCH_ROWS):
        (outputs,) = serve(batch).values()
        predictions.append(outputs.numpy())
        labels.append(transform(batch)[LABEL_KEY].numpy())
        names += [_slice_names(record, slices) for record in batch.numpy()]
    label = np.concatenate(labels).astype(np.float64) if labels else np.empty(0)
    output = np.concatenate(predictions).astype(np.float64) if predictions else np.empty((0, 1))
    # A class below 0 and a NaN stand for no label, see `tfxkit.features.label`.
    classes = bool(labels) and np.issubdtype(labels[0].dtype, np.integer)
    labelled = label >= 0 if classes else ~np.isnan(label)
    table = np.array(names, dtype=object).reshape(len(label), len(slices))[labelled]
    known, codes = np.unique(table.astype(str), return_inverse=True)
    slice_of = np.where(table == "", -1, codes.reshape(table.shape)).T.astype(np.int32)
    output = output[labelled]
    return EvalRows(
        labels=label[labelled],
        predictions=output[:, 0] if output.shape[1] == 1 else output,
        names=tuple(known.tolist()),
        slice_of=slice_of,
        every=every,
    )


def _slice_names(record: bytes, slices: Slices) -> list[str]:
    """A row's slice in each slicing; empty where a value is missing."""
    features = tf.train.Example.FromString(record).features.feature
    names = []
    for columns in slices:
        parts = [_slice_value(features[column]) for column in columns]
        named = [f"{c}: {part}" for c, part in sorted(zip(columns, parts, strict=True)) if part]
        names.append(", ".join(named) if len(named) == len(columns) else "")
    return names


def _slice_value(feature: tf.train.Feature) -> str:
    """A value in the notation of `tfxkit.components.evaluator.evaluation`."""
    field = feature.WhichOneof("kind")
    values = getattr(feature, field).value if field else ()
    if not values:
        return ""
    first = values[0]
    return first.decode(errors="replace") if isinstance(first, bytes) else f"{first:g}"


def _read_kept_rows(file: Path) -> EvalRows | None:
    """Reads kept predictions, without unpickling; None if the file is missing or damaged."""
    try:
        with np.load(file, allow_pickle=False) as kept:
            return EvalRows(
                labels=kept["labels"],
                predictions=kept["predictions"].astype(np.float64),
                names=tuple(kept["names"].tolist()),
                slice_of=kept["slice_of"],
                every=int(kept["every"]),
            )
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def _write(rows: EvalRows, file: Path) -> None:
    draft = file.with_name(f".{os.getpid()}-{file.name}")
    np.savez_compressed(
        draft,
        labels=rows.labels,
        predictions=rows.predictions.astype(np.float32),
        names=np.array(rows.names, dtype=np.str_),
        slice_of=rows.slice_of,
        every=np.array(rows.every),
    )
    draft.replace(file)


def _link(kept: Path, file: Path) -> None:
    try:
        os.link(kept, file)
    except OSError:  # another disk, or one without hard links
        shutil.copyfile(kept, file)
