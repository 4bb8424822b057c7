"""The inputs of the model, as the Transform graph makes them from the columns."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np
import tensorflow as tf
import tensorflow_transform as tft
from numpy.typing import NDArray

from tfxkit.config.dataset import Role
from tfxkit.features.model_inputs import (
    FIRST_WORD_CODE,
    MISSING_CODE,
    MISSING_NUMBER,
    UNKNOWN_CODE,
    Feature,
    Kind,
    model_columns,
    model_features,
)
from tfxkit.report.eval_rows import sample_split
from tfxkit.report.formatting import count
from tfxkit.report.run import Run

MOST_ROWS = 10_000  # of a split
_MOST_WORDS = 6
_FEWEST_ROWS = 10  # of a word that is shown: a rarer one may identify somebody
_SPLITS = ("train", "eval")
_OWN = "preprocessing_fn"  # maker of a feature that no role made
_MISSING = {Kind.RANK: MISSING_NUMBER, Kind.CODE: MISSING_CODE, Kind.CODES: MISSING_CODE}


@dataclasses.dataclass(frozen=True)
class FeatureRow:
    """An input of the model.

    Attributes:
        name: Of the transformed feature.
        columns: The raw columns that it is made from; empty if they are not known.
        maker: The role of its column; `preprocessing_fn` for a feature of the owner's.
        kind: Description of its values.
        words: The most frequent words of its vocabulary.
        range: Smallest and largest value in both splits.
        missing: By split: the share of rows without a value; None if imputed.
        unknown: By split: the share of rows with an out-of-vocabulary value.
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
class FeaturesSection:
    """Section `features` of the page.

    Attributes:
        rows: The inputs of the model.
        every: By split: the sampling interval.
        ignored: Columns that are not learned from, with the reason.
    """

    rows: list[FeatureRow]
    every: Mapping[str, int]
    ignored: list[tuple[str, str]]


def build_features(run: Run) -> FeaturesSection | None:
    """Builds the section; None if Transform did not finish."""
    graph = run.artifact("Transform", "transform_graph")
    examples = run.artifact("ExampleGen", "examples")
    if graph is None or examples is None:
        return None
    output = tft.TFTransformOutput(graph.uri)
    values, every = {}, {}
    for split in _SPLITS:
        values[split], every[split] = _transform_sample(examples.uri, split, output)
    roles = {name: str(options.role) for name, options in run.dataset.columns.items()}
    rows = [
        _row(
            feature,
            roles.get(feature.column or "", _OWN),
            {split: values[split].get(feature.name) for split in _SPLITS},
            every,
        )
        for feature in model_features(output)
    ]
    used = model_columns(output)  # a feature of the owner's may be made of any column
    ignored = [
        (name, "the label is made from it" if name in run.dataset.label_sources() else options.why)
        for name, options in run.dataset.columns.items()
        if options.role is Role.IGNORED and name not in used
    ]
    return FeaturesSection(rows, every, ignored)


def _row(
    feature: Feature,
    maker: str,
    values: Mapping[str, NDArray | None],
    every: Mapping[str, int],
) -> FeatureRow:
    is_scalar = feature.length is None and feature.kind in _MISSING
    words = _frequent_words(feature, values["train"], every["train"])
    return FeatureRow(
        name=feature.name,
        columns=feature.columns or ((feature.column,) if feature.column else ()),
        maker=maker,
        kind=_describe(feature),
        words=tuple(word.decode(errors="replace") for word in words),
        range=_range(feature, values),
        missing={
            s: _share(values[s], _MISSING[feature.kind]) if is_scalar else None for s in values
        },
        unknown={
            s: None if feature.vocabulary is None else _share(values[s], UNKNOWN_CODE)
            for s in values
        },
    )


def _frequent_words(feature: Feature, codes: NDArray | None, every: int) -> tuple[bytes, ...]:
    """First words of the vocabulary, without those of few training rows.

    Args:
        feature: The feature.
        codes: Its values in a sample of the training rows.
        every: Sampling interval.
    """
    words = (feature.vocabulary or ())[:_MOST_WORDS]
    if not words or codes is None:
        return ()
    rows = [int((codes == FIRST_WORD_CODE + place).sum()) * every for place in range(len(words))]
    return tuple(word for word, found in zip(words, rows, strict=True) if found >= _FEWEST_ROWS)


def _describe(feature: Feature) -> str:
    if feature.vocabulary is not None:
        return f"code of {count(len(feature.vocabulary), 'known value')}"
    return feature.description or f"code, one of {feature.codes:,}"


def _range(feature: Feature, values: Mapping[str, NDArray | None]) -> str:
    arrays = [array for array in values.values() if array is not None and array.size]
    if not arrays:
        return "–"
    known = np.concatenate([array.ravel() for array in arrays])
    if feature.kind in _MISSING:
        known = known[known != _MISSING[feature.kind]]
    if not known.size:
        return "always missing"
    return f"{known.min():.3g} to {known.max():.3g}"


def _share(values: NDArray | None, value: float) -> float | None:
    return None if values is None or not values.size else float((values == value).mean())


def _transform_sample(
    uri: str, split: str, output: tft.TFTransformOutput
) -> tuple[dict[str, NDArray], int]:
    """Transforms a sample of a split: values by feature, and the sampling interval."""
    records, every = sample_split(uri, split, MOST_ROWS)
    for batch in records.batch(MOST_ROWS):
        raw = tf.io.parse_example(batch, output.raw_feature_spec())
        transformed = output.transform_features_layer()(raw)
        return {name: values.numpy() for name, values in transformed.items()}, every
    return {}, every
