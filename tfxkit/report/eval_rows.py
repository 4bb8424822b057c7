"""What a model answers for each row of the eval split: the ground of intervals and curves.

The Evaluator keeps no rows, so an exported model is asked once, in this process, and its answers
are kept in the folder of the run. A later run with the same model on the same rows takes them
from there.
"""

from __future__ import annotations

import dataclasses
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
from tfxkit.report.sampling import files_of, sample
from tfxkit.storage import served_model

MOST_ROWS = 50_000  # of more, every second, third, … is taken: the page must not take minutes
_BATCH_ROWS = 4096
_FORM = "1"  # part of the key: change it when what is kept changes

Slices = tuple[tuple[str, ...], ...]


@dataclasses.dataclass(frozen=True)
class EvalRows:
    """The rows with a label.

    Attributes:
        labels: Of shape [rows]: class, or number.
        predictions: Of shape [rows], or of [rows, classes].
        names: The names of slices, as the Evaluator writes them: `payment_type: Cash`.
        slice_of: Of shape [ways to slice, rows]: an index into `names`, -1 for none.
        every: Of how many rows one was taken.
    """

    labels: NDArray[np.float64]
    predictions: NDArray[np.float64]
    names: tuple[str, ...]
    slice_of: NDArray[np.int32]
    every: int

    def slices(self) -> dict[str, NDArray[np.intp]]:
        """The indices of the rows of each slice."""
        found: dict[str, NDArray[np.intp]] = {}
        for codes in self.slice_of:
            order = np.argsort(codes, kind="stable")
            present, starts = np.unique(codes[order], return_index=True)
            for code, rows in zip(present, np.split(order, starts[1:]), strict=True):
                if code >= 0:
                    found[self.names[code]] = np.sort(rows)
        return found


def load(model_dir: str, examples_dir: str, slices: Slices, run_dir: Path) -> EvalRows:
    """The answers of a model: kept ones if there are any, else it is asked.

    Args:
        model_dir: A SavedModel as the Trainer exports it.
        examples_dir: The folder of an `Examples` artifact.
        slices: The columns to slice by, each entry one column or several crossed.
        run_dir: The folder of the run; its neighbours are searched for kept answers.
    """
    files = files_of(examples_dir, "eval")
    identity = [_FORM, served_model.fingerprint(model_dir), slices, MOST_ROWS]
    identity += [[name, os.path.getsize(name), os.stat(name).st_mtime_ns] for name in files]
    key = hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:16]
    file = run_dir / f"predictions-{key}.npz"
    for kept in (file, *sorted(run_dir.parent.glob(f"*/{file.name}"))):
        if (rows := _read(kept)) is not None:
            if kept != file and not file.exists():
                _link(kept, file)
            return rows
    rows = _ask(model_dir, examples_dir, slices)
    _write(rows, file)
    return rows


def _ask(model_dir: str, examples_dir: str, slices: Slices) -> EvalRows:
    model = tf.saved_model.load(model_dir)
    serve, transform = (model.signatures[n] for n in ("serving_default", "transform_features"))
    records, every = sample(examples_dir, "eval", MOST_ROWS)
    labels, predictions, names = [], [], []
    for batch in records.batch(_BATCH_ROWS):
        (answers,) = serve(examples=batch).values()
        predictions.append(answers.numpy())
        labels.append(transform(examples=batch)[LABEL_KEY].numpy())
        names += [_names(record, slices) for record in batch.numpy()]
    label = np.concatenate(labels).astype(np.float64) if labels else np.empty(0)
    answer = np.concatenate(predictions).astype(np.float64) if predictions else np.empty((0, 1))
    # A class below 0 and a NaN stand for no label, see `tfxkit.features.label`.
    classes = bool(labels) and np.issubdtype(labels[0].dtype, np.integer)
    kept = label >= 0 if classes else ~np.isnan(label)
    table = np.array(names, dtype=object).reshape(len(label), len(slices))[kept]
    known, codes = np.unique(table.astype(str), return_inverse=True)
    slice_of = np.where(table == "", -1, codes.reshape(table.shape)).T.astype(np.int32)
    answer = answer[kept]
    return EvalRows(
        labels=label[kept],
        predictions=answer[:, 0] if answer.shape[1] == 1 else answer,
        names=tuple(known.tolist()),
        slice_of=slice_of,
        every=every,
    )


def _names(record: bytes, slices: Slices) -> list[str]:
    """The slice that a row belongs to, for each way to slice; empty where a value is missing."""
    features = tf.train.Example.FromString(record).features.feature
    names = []
    for columns in slices:
        parts = [_value(features[column]) for column in columns]
        named = [f"{c}: {part}" for c, part in sorted(zip(columns, parts, strict=True)) if part]
        names.append(", ".join(named) if len(named) == len(columns) else "")
    return names


def _value(feature: tf.train.Feature) -> str:
    """As `tfxkit.components.evaluator.evaluation` names it."""
    kind = feature.WhichOneof("kind")
    values = getattr(feature, kind).value if kind else ()
    if not values:
        return ""
    first = values[0]
    return first.decode(errors="replace") if isinstance(first, bytes) else f"{first:g}"


def _read(file: Path) -> EvalRows | None:
    """None if there is no whole file; nothing in it is ever unpickled."""
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
