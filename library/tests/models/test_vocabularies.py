"""Each column has a vocabulary of its own, though all are learned in one pass."""

import collections

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from tests.models.conftest import to_example, transform
from tfxkit.config.dataset import Dataset
from tfxkit.features.model_inputs import FIRST_WORD_CODE, MISSING_CODE, UNKNOWN_CODE, model_features

pytestmark = pytest.mark.slow

LIMITS = {"a": {}, "a:b": {"vocabulary_size": 3}, "ab": {"min_count": 4}, "n": {"fill": ""}}
DATASET = Dataset.model_validate(
    {
        "task": "binary",
        "label": {"column": "y"},
        "columns": {name: {"role": "categorical", **how} for name, how in LIMITS.items()},
    }
)


def make_frame() -> pd.DataFrame:
    """Columns share values, and values look like the names of columns and like several lines."""
    random = np.random.default_rng(0)
    words = ["x", "b:x", "a", "a:", ":", "two\nlines", "one\r", "größe", " ", "\0"]
    shares = np.array([9, 7, 5, 5, 3, 2, 2, 2, 1, 1]) / 37
    chosen = random.choice(len(words), (200, len(LIMITS)), p=shares)
    frame = pd.DataFrame(np.array(words, object)[chosen], columns=list(LIMITS))
    for name in LIMITS:
        frame.loc[random.random(200) < 0.1, name] = None
    frame["y"] = random.integers(0, 2, 200)
    return frame.astype(object)


@pytest.fixture(scope="module")
def frame():
    return make_frame()


@pytest.fixture(scope="module")
def learned(frame, tmp_path_factory):
    return transform(DATASET, frame, tmp_path_factory.mktemp("vocabularies"))


def expected(frame, column):
    how = DATASET.columns[column]
    counts = collections.Counter(v.encode() for v in frame[column].dropna())
    ranked = sorted(((n, v) for v, n in counts.items() if n >= how.min_count), reverse=True)
    return tuple(v for _, v in ranked if not {10, 13} & set(v))[: how.vocabulary_size]


def test_values_are_kept_by_frequency_within_the_limits_of_their_column(frame, learned):
    features = model_features(learned.output)
    for column, feature in zip(LIMITS, features, strict=True):
        assert feature.vocabulary == expected(frame, column)
        assert feature.codes == FIRST_WORD_CODE + len(feature.vocabulary)


def test_a_value_has_the_code_that_it_has_in_its_column(frame, learned):
    layer, spec = learned.output.transform_features_layer(), learned.output.raw_feature_spec()
    rows = [to_example(row) for row in [*frame.to_dict("records"), {}, {"a": "new"}, {"a": ""}]]
    found = {n: t.numpy() for n, t in layer(tf.io.parse_example(rows, spec)).items()}
    values = {name: [*frame[name], None, None, None] for name in LIMITS}
    values["a"][-2] = "new"
    for column, feature in zip(LIMITS, model_features(learned.output), strict=True):
        gap = UNKNOWN_CODE if "fill" in LIMITS[column] else MISSING_CODE
        codes = {word: FIRST_WORD_CODE + i for i, word in enumerate(feature.vocabulary)}
        for value, code in zip(values[column], found[feature.name], strict=True):
            known = gap if value is None else codes.get(value.encode(), UNKNOWN_CODE)
            assert code == known
