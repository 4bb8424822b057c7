"""What the columns became: the inputs of the model, as the Transform graph makes them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np
import tensorflow as tf
import tensorflow_transform as tft
from numpy.typing import NDArray

from tfxkit.config.dataset import Role
from tfxkit.features.model_inputs import (
    MISSING_CODE,
    MISSING_NUMBER,
    UNKNOWN_CODE,
    Feature,
    Kind,
    model_columns,
    model_features,
)
from tfxkit.report.run import Run
from tfxkit.report.sampling import sample
from tfxkit.report.words import count

MOST_ROWS = 10_000  # of a split
_WORDS = 6
_SPLITS = ("train", "eval")
_OWN = "preprocessing_fn"  # what made a feature, where no role did
_MISSING = {Kind.RANK: MISSING_NUMBER, Kind.CODE: MISSING_CODE, Kind.CODES: MISSING_CODE}


@dataclasses.dataclass(frozen=True)
class FeatureRow:
    """An input of the model.

    Attributes:
        name: Of the transformed feature.
        columns: The raw columns that it is made from; empty if they are not known.
        maker: The role of its column; `preprocessing_fn` for a feature of the owner's.
        kind: What stands in it.
        words: The first of its vocabulary, the most frequent ones.
        range: From where to where, in both splits.
        missing: By split: the share of rows without a value; None where there is a value for these.
        unknown: By split: the share of rows with a value that is not in the vocabulary.
    """

    name: str
    columns: tuple[str, ...]
    maker: str
    kind: str
    words: tuple[str, ...]
    range: str
    missing: Mapping[str, float | None]
    unknown: Mapping[str, float | None]


@dataclasses.dataclass(frozen=True)
class Features:
    """The section.

    Attributes:
        rows: The inputs of the model.
        every: By split: of how many rows one was looked at.
        ignored: Columns that are not learned from, and why.
    """

    rows: list[FeatureRow]
    every: Mapping[str, int]
    ignored: list[tuple[str, str]]


def make(run: Run) -> Features | None:
    """Collects the section; None if Transform did not come to its end."""
    graph = run.artifact("Transform", "transform_graph")
    examples = run.artifact("ExampleGen", "examples")
    if graph is None or examples is None:
        return None
    output = tft.TFTransformOutput(graph.uri)
    values, every = {}, {}
    for split in _SPLITS:
        values[split], every[split] = _read(examples.uri, split, output)
    roles = {name: str(how.role) for name, how in run.dataset.columns.items()}
    rows = [
        _row(
            feature,
            roles.get(feature.column or "", _OWN),
            {split: values[split].get(feature.name) for split in _SPLITS},
        )
        for feature in model_features(output)
    ]
    used = model_columns(output)  # a feature of the owner's may be made of any column
    ignored = [
        (name, "the label is made from it" if name in run.dataset.label_sources() else how.why)
        for name, how in run.dataset.columns.items()
        if how.role is Role.IGNORED and name not in used
    ]
    return Features(rows, every, ignored)


def _row(feature: Feature, maker: str, values: Mapping[str, NDArray | None]) -> FeatureRow:
    one_value = feature.length is None and feature.kind in _MISSING
    words = (feature.vocabulary or ())[:_WORDS]
    return FeatureRow(
        name=feature.name,
        columns=feature.columns or ((feature.column,) if feature.column else ()),
        maker=maker,
        kind=_kind(feature),
        words=tuple(word.decode(errors="replace") for word in words),
        range=_range(feature, values),
        missing={
            s: _share(values[s], _MISSING[feature.kind]) if one_value else None for s in values
        },
        unknown={
            s: None if feature.vocabulary is None else _share(values[s], UNKNOWN_CODE)
            for s in values
        },
    )


def _kind(feature: Feature) -> str:
    if feature.vocabulary is not None:
        return f"code of {count(len(feature.vocabulary), 'known value')}"
    return feature.description or f"code, one of {feature.codes:,}"


def _range(feature: Feature, values: Mapping[str, NDArray | None]) -> str:
    there = [each for each in values.values() if each is not None and each.size]
    if not there:
        return "–"
    known = np.concatenate([each.ravel() for each in there])
    if feature.kind in _MISSING:
        known = known[known != _MISSING[feature.kind]]
    if not known.size:
        return "always missing"
    return f"{known.min():.3g} to {known.max():.3g}"


def _share(values: NDArray | None, what: float) -> float | None:
    return None if values is None or not values.size else float((values == what).mean())


def _read(uri: str, split: str, output: tft.TFTransformOutput) -> tuple[dict[str, NDArray], int]:
    """The values of a split by feature, and of how many rows one was taken."""
    records, every = sample(uri, split, MOST_ROWS)
    for batch in records.batch(MOST_ROWS):
        raw = tf.io.parse_example(batch, output.raw_feature_spec())
        transformed = output.transform_features_layer()(raw)
        return {name: values.numpy() for name, values in transformed.items()}, every
    return {}, every
