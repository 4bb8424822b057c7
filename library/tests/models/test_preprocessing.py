"""Features of the Transform graph for columns of each role, with names of every kind."""

import numpy as np
import pytest
import tensorflow as tf

from tests.models.conftest import HARD, hard_frame, to_example
from tests.sample.models.features import preprocessing_fn
from tfxkit.config.dataset import Dataset
from tfxkit.errors import DataError
from tfxkit.features.label import LABEL_KEY
from tfxkit.features.model_inputs import (
    FIRST_WORD_CODE,
    MISSING_CODE,
    MISSING_NUMBER,
    UNKNOWN_CODE,
    model_features,
)
from tfxkit.features.text import WORDS

pytestmark = pytest.mark.slow  # tf.Transform takes some seconds, once

PRICE, LEVEL, KIND = "price_u20__u28__u20ac__u29_.rank", "1_u2e_level.rank", "class.code"
STREET, AGE, WHEN = "Stra_udf_e.code", "_age_u2e_in_u2f_years.code", "lambda"
NOTE = "note_u20__u22_1_u22_.words"


@pytest.fixture(scope="module")
def rows(hard):
    layer, spec = hard.output.transform_features_layer(), hard.output.raw_feature_spec()
    features = layer(tf.io.parse_example(hard.examples, spec))
    return {name: t.numpy() for name, t in features.items()}


@pytest.fixture(scope="module")
def frame():
    return hard_frame()


def serve(hard, **row):
    """The features of one row that the training data did not have."""
    layer, spec = hard.output.transform_features_layer(), hard.output.raw_feature_spec()
    features = layer(tf.io.parse_example([to_example(row)], spec))
    return {name: t.numpy()[0] for name, t in features.items()}


def test_the_model_gets_every_feature_and_nothing_but_these(hard, rows):
    names = [feature.name for feature in model_features(hard.output)]
    assert sorted([*names, LABEL_KEY]) == sorted(rows)
    assert len(set(names)) == len(names)
    assert not set(names) & set(HARD.columns)  # TFMA slices by raw columns, not by features


def test_numbers_are_ranks(rows, frame):
    known = frame["price (€)"].notna().to_numpy()
    ranks, prices = rows[PRICE][known], frame["price (€)"][known].astype(float)
    expected = prices.rank(pct=True).to_numpy()
    np.testing.assert_allclose(ranks, expected, atol=0.03)
    assert (rows[PRICE][~known] == MISSING_NUMBER).all()


def test_a_number_beyond_all_seen_ones_has_the_highest_rank(hard):
    assert serve(hard, **{"price (€)": 1e9})[PRICE] == 1


def test_a_gap_that_is_to_be_filled_is_no_gap(rows, frame):
    filled = rows[LEVEL][frame["1.level"].isna().to_numpy()]
    assert (filled == filled[0]).all()
    assert 0.3 < filled[0] < 0.7  # the level is 0 in the middle


def test_codes_of_words_follow_their_frequency(hard, rows, frame):
    codes = dict(zip(frame["class"], rows[KIND], strict=True))
    assert [codes[w] for w in ("card", "cash", "voucher")] == [
        FIRST_WORD_CODE + i for i in range(3)
    ]
    assert codes[None] == MISSING_CODE
    assert codes["once"] == UNKNOWN_CODE
    assert serve(hard, **{"class": "bitcoin"})[KIND] == UNKNOWN_CODE


def test_hashes_are_in_range_and_the_same_for_the_same_value(rows, frame):
    missing = frame["Straße"].isna().to_numpy()
    assert (rows[STREET][missing] == MISSING_CODE).all()
    codes = rows[STREET][~missing]
    assert codes.min() > MISSING_CODE
    assert codes.max() <= 16
    values = frame["Straße"][~missing]
    assert len(set(zip(values, codes, strict=True))) == values.nunique()
    assert len(set(codes)) > 10


def test_buckets_hold_as_many_rows_each(rows, frame):
    missing = frame["_age.in/years"].isna().to_numpy()
    assert (rows[AGE][missing] == MISSING_CODE).all()
    counts = np.bincount(rows[AGE][~missing])[1:]
    assert len(counts) == 4
    assert counts.min() > 0.8 * counts.mean()


def test_a_timestamp_tells_the_time_of_day_week_and_year(hard):
    noon = serve(hard, **{"lambda": 1_404_216_000})  # Tuesday, 2014-07-01 12:00 UTC
    assert noon[f"{WHEN}.time_of_day"] == pytest.approx(0.5)
    assert noon[f"{WHEN}.time_of_week"] == pytest.approx(5.5 / 7)  # 1970 began on a Thursday
    assert noon[f"{WHEN}.time_of_year"] == pytest.approx(0.5, abs=0.01)
    assert 0 < noon[f"{WHEN}.trend"] < 1
    assert serve(hard)[f"{WHEN}.time_of_day"] == MISSING_NUMBER


def test_a_date_in_text_is_as_good_as_a_number(hard):
    noon = serve(hard, **{"lambda": 1_404_216_000, "when?": "2014-07-01T14:00:00+02:00"})
    for part in ("time_of_day", "time_of_week", "time_of_year"):
        assert noon[f"when_u3f_.{part}"] == noon[f"{WHEN}.{part}"] != MISSING_NUMBER
    assert 0 < noon["when_u3f_.trend"] < 1


def test_text_that_is_no_date_is_missing(rows, frame):
    missing = rows["when_u3f_.time_of_day"] == MISSING_NUMBER
    np.testing.assert_array_equal(missing, ~frame["when?"].fillna("").str.contains("-"))
    np.testing.assert_array_equal(rows["when_u3f_.trend"] == MISSING_NUMBER, missing)


def test_words_and_their_pairs_are_hashed(hard, rows, frame):
    codes = rows[NOTE]
    assert codes.shape == (len(frame), 2 * WORDS - 1)
    assert codes.max() <= 64
    texts = frame['note "1"'].tolist()
    assert ((codes > MISSING_CODE).sum(axis=1)[np.array(texts) == ""] == 0).all()
    one = serve(hard, **{'note "1"': "GUTEN - tag!"})[NOTE]
    np.testing.assert_array_equal(np.flatnonzero(one), [0, 1, WORDS])
    other = serve(hard, **{'note "1"': "Tag guten"})[NOTE]
    np.testing.assert_array_equal(other[:2], one[[1, 0]])
    assert other[WORDS] != one[WORDS]


def test_categories_may_be_numbers_or_truth_values(hard, rows, frame):
    codes = dict(zip(frame["paid"], rows["paid.code"], strict=True))
    assert sorted(codes.values()) == [FIRST_WORD_CODE, FIRST_WORD_CODE + 1]
    assert serve(hard, paid=2)["paid.code"] == UNKNOWN_CODE


def test_columns_without_any_value_are_missing_everywhere(rows):
    assert (rows["never.rank"] == MISSING_NUMBER).all()
    assert (rows["never_u20_text.code"] == MISSING_CODE).all()


def test_the_label_is_the_one_described(rows, frame):
    price, tip = frame["price (€)"].astype(float), frame["tip/€"].astype(float)
    np.testing.assert_array_equal(rows[LABEL_KEY], tip > 0.2 * price)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"absent": {"role": "numeric"}}, "'absent', which the schema does not have"),
        ({"word": {"role": "numeric"}}, "'word' is text, which the role numeric cannot use"),
        ({"word": {"role": "timestamp"}}, "'word' is text, .* timestamp with unit: text"),
        ({"z": {"role": "timestamp", "unit": "text"}}, "'z' is numbers, not dates in text"),
    ],
)
def test_a_column_that_does_not_fit_is_named(columns, message):
    dataset = Dataset.model_validate(
        {"task": "binary", "label": {"column": "y"}, "columns": columns}
    )
    inputs = {"y": tf.constant([0, 1]), "word": tf.constant(["a", "b"]), "z": tf.constant([1, 2])}
    with pytest.raises(DataError, match=message):
        preprocessing_fn(inputs, {"dataset": dataset.for_model()})


@pytest.mark.parametrize("size", [1, 7])
def test_a_row_is_the_same_to_the_last_bit_in_every_batch(hard, size):
    layer, spec = hard.output.transform_features_layer(), hard.output.raw_feature_spec()

    def features(rows):
        return {name: t.numpy() for name, t in layer(tf.io.parse_example(rows, spec)).items()}

    whole = features(hard.examples)
    starts = range(0, len(hard.examples), size)
    parts = [features(hard.examples[start : start + size]) for start in starts]
    for name, values in whole.items():
        np.testing.assert_array_equal(np.concatenate([part[name] for part in parts]), values)
