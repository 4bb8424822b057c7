"""Features of an owner, made in preprocessing_fn: values, description, what is refused."""

import re

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
import tensorflow_transform as tft

from tests.models.conftest import to_example, transform
from tfxkit.config.dataset import Dataset
from tfxkit.config.settings import TrainSettings
from tfxkit.errors import ModelError
from tfxkit.features.helpers import (
    as_text,
    by_role,
    code,
    date_parts,
    filled,
    hashed,
    number,
    rank,
    words,
)
from tfxkit.features.model_inputs import Feature, Kind, model_columns, model_features
from tfxkit.features.preprocessing import preprocessing
from tfxkit.tracebacks import located
from tfxkit.training import input_pipeline

DATASET = Dataset.model_validate(
    {
        "task": "binary",
        "label": {"column": "y"},
        "columns": {
            "fare": {"role": "numeric"},
            "word": {"role": "categorical"},
            "miles": {"role": "ignored"},
            "when": {"role": "ignored"},
            "unused": {"role": "ignored"},
        },
    }
)
ROWS = 60
TIMES = ("trend", "time_of_day", "time_of_week", "time_of_year")
# Each of them needs a column that is ignored, or is made in another way.
OWN = ["per_mile", "product", "odd name!", "hash", "text", "z", "tft_code", "tft_hash", "pair"]


def make_frame() -> pd.DataFrame:
    random = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "fare": np.round(random.lognormal(2, 1, ROWS), 2),
            "miles": random.integers(0, 5, ROWS),
            "word": random.choice(["a", "b", "c d"], ROWS),
            "when": [f"2024-01-{day % 28 + 1:02} 12:00" for day in range(ROWS)],
            "unused": 1.0,
            "y": random.integers(0, 2, ROWS),
        }
    ).astype(object)
    frame.loc[3, "miles"] = frame.loc[4, "word"] = frame.loc[5, "fare"] = None
    return frame


@preprocessing
def preprocessing_fn(inputs, custom_config):
    features = by_role(inputs, DATASET)
    per_mile = rank(inputs["fare"] / inputs["miles"], buckets=8)
    features["per_mile"] = per_mile
    features["product"] = number(per_mile * 2.0)
    features["odd name!"] = code(inputs["miles"])
    features["hash"] = hashed(as_text(inputs["miles"]) + "/" + inputs["word"], buckets=7)
    features["when_it_was"] = date_parts(inputs["when"])
    features["text"] = words(inputs["word"], buckets=9)
    features["z"] = tft.scale_to_z_score(inputs["fare"])
    features["tft_code"] = tft.compute_and_apply_vocabulary(inputs["word"], top_k=2)
    features["tft_hash"] = tft.hash_strings(inputs["word"], 6)
    features["tft_bucket"] = tft.bucketize(inputs["fare"], 4)
    features["pair"] = tf.stack([inputs["fare"], filled(inputs["miles"], 0.5)], axis=1)
    return features


@pytest.fixture(scope="module")
def frame():
    return make_frame()


@pytest.fixture(scope="module")
def learned(frame, tmp_path_factory):
    return transform(DATASET, frame, tmp_path_factory.mktemp("own"), preprocessing_fn)


def features_of(learned, examples):
    layer, spec = learned.output.transform_features_layer(), learned.output.raw_feature_spec()
    return {n: t.numpy() for n, t in layer(tf.io.parse_example(examples, spec)).items()}


@pytest.fixture(scope="module")
def rows(learned):
    return features_of(learned, learned.examples)


@pytest.mark.slow
def test_the_graph_says_what_the_model_takes(learned):
    found = {feature.name: feature for feature in model_features(learned.output)}
    times = [f"when_it_was.{part}" for part in TIMES]
    names = ["fare.rank", "word.code", *OWN[:2], "odd_u20_name_u21_", "hash", *times]
    assert list(found)[: len(names)] == names  # in the order in which they were returned
    assert found["fare.rank"].column == "fare"
    assert found["per_mile"] == Feature(
        "per_mile",
        Kind.RANK,
        columns=("fare", "miles"),
        description="rank among 8 quantiles, 0 to 1",
    )
    assert found["odd_u20_name_u21_"].codes == 2 + 5
    assert set(found["odd_u20_name_u21_"].vocabulary) == {b"0", b"1", b"2", b"3", b"4"}
    assert (found["hash"].kind, found["hash"].codes) == (Kind.CODE, 8)
    assert (found["text"].kind, found["text"].codes, found["text"].length) == (Kind.CODES, 10, 199)
    assert (found["z"].kind, found["z"].length) == (Kind.NUMBER, None)
    assert (found["tft_code"].kind, found["tft_code"].codes) == (Kind.CODE, 3)
    assert (found["tft_hash"].kind, found["tft_hash"].codes) == (Kind.CODE, 7)
    assert (found["tft_bucket"].kind, found["tft_bucket"].codes) == (Kind.CODE, 5)
    assert [n for n, f in found.items() if f.codes and not f.fixed] == [
        "word.code",
        "odd_u20_name_u21_",
        "tft_code",
    ]
    assert (found["pair"].kind, found["pair"].length) == (Kind.NUMBER, 2)


@pytest.mark.slow
def test_the_graph_says_which_columns_each_feature_is_made_from(learned):
    found = {feature.name: feature.columns for feature in model_features(learned.output)}
    assert found == {
        "fare.rank": ("fare",),
        "word.code": ("word",),
        "per_mile": ("fare", "miles"),
        "product": ("fare", "miles"),
        "odd_u20_name_u21_": ("miles",),
        "hash": ("miles", "word"),
        **{f"when_it_was.{part}": ("when",) for part in TIMES},
        "text": ("word",),
        "z": ("fare",),
        "tft_code": ("word",),
        "tft_hash": ("word",),
        "tft_bucket": ("fare",),
        "pair": ("fare", "miles"),
    }


@pytest.mark.slow
def test_the_graph_says_which_columns_the_model_needs(learned):
    assert model_columns(learned.output) == ("fare", "miles", "when", "word")


@pytest.mark.slow
def test_a_quotient_that_is_not_there_is_missing(frame, rows):
    with np.errstate(divide="ignore", invalid="ignore"):
        quotient = frame["fare"].to_numpy(float) / frame["miles"].to_numpy(float)
    known = np.isfinite(quotient)
    assert 0 < known.sum() < ROWS - 2  # some miles are 0
    assert (rows["per_mile"][~known] == -1).all()
    expected = pd.Series(quotient[known]).rank(pct=True)
    np.testing.assert_allclose(rows["per_mile"][known], expected, atol=0.15)


@pytest.mark.slow
def test_a_helpers_result_goes_on_in_tensorflow(rows):
    np.testing.assert_array_equal(rows["product"], 2 * rows["per_mile"])


@pytest.mark.slow
def test_codes_have_room_for_what_is_missing(frame, rows):
    missing = frame["miles"].isna().to_numpy()
    np.testing.assert_array_equal(rows["odd_u20_name_u21_"] == 0, missing)
    assert set(rows["tft_code"]) == {0, 1, 2}  # 0: the word that is not in it, or none
    gap = frame["word"].isna().to_numpy()
    assert (rows["tft_code"][gap] == 0).all()
    assert set(rows["tft_hash"]) <= set(range(1, 7))
    assert set(rows["hash"]) <= set(range(1, 8))


@pytest.mark.slow
def test_numbers_of_tft_are_finite(frame, rows):
    fare = frame["fare"].to_numpy(float)
    expected = (fare - np.nanmean(fare)) / np.nanstd(fare)
    known = ~np.isnan(fare)
    assert rows["z"][~known].tolist() == [0]
    # tft takes a NaN for a row without a value as it counts the rows.
    assert np.corrcoef(rows["z"][known], expected[known])[0, 1] > 0.999
    assert rows["pair"].shape == (ROWS, 2)
    assert rows["pair"][3].tolist() == pytest.approx([fare[3], 0.5])


@pytest.mark.slow
def test_text_that_is_a_date_is_read_as_one(rows):
    assert (rows["when_it_was.time_of_day"] == 0.5).all()


@pytest.mark.slow
def test_a_row_is_the_same_to_the_last_bit_in_every_batch(learned, rows):
    for place in (0, 3, 4, 5, ROWS - 1):
        alone = features_of(learned, learned.examples[place : place + 1])
        for name, values in rows.items():
            np.testing.assert_array_equal(alone[name][0], values[place])


@pytest.mark.slow
def test_an_empty_row_is_missing_everywhere(learned):
    found = {name: values[0] for name, values in features_of(learned, [to_example({})]).items()}
    for feature in model_features(learned.output):
        # Of texts that are joined, or filled; tft puts a NaN into the last bucket.
        if feature.name in ("tft_hash", "hash", "pair", "tft_bucket"):
            continue
        expected = {Kind.RANK: -1, Kind.NUMBER: 0, Kind.CODE: 0, Kind.CODES: 0}[feature.kind]
        if feature.name != "product":
            assert (found[feature.name] == expected).all(), feature.name


@pytest.mark.slow
def test_a_column_of_the_label_need_not_be_in_any_feature(frame, tmp_path):
    """Even if its role is that of a feature, as that of `times` may be."""
    label = {"column": "y", "greater_than": 0.02, "times": "fare"}
    dataset = Dataset.model_validate(DATASET.for_model() | {"label": label})

    @preprocessing
    def without_fare(inputs, custom_config):
        return {"distance": rank(inputs["miles"])}

    learned = transform(dataset, frame, tmp_path, without_fare)
    assert model_columns(learned.output) == ("miles",)
    data = input_pipeline.read(
        [learned.train_files], learned.output, dataset, TrainSettings(held_out=0.2)
    )
    labels = np.concatenate([data.fit.labels, data.held_out.labels])
    expected = frame["y"].astype(float) > 0.02 * frame["fare"].astype(float)
    assert 0 < labels.sum() == expected.sum() < ROWS


def test_numbers_become_text_without_a_fraction():
    values = tf.constant([8.0, 2.5, np.nan, -(2.0**40)], tf.float64)
    assert as_text(values).numpy().tolist() == [b"8", b"2.5", b"", b"-1099511627776"]


def refused(function) -> str:
    with tf.Graph().as_default(), pytest.raises(ModelError) as error:
        columns = {
            "fare": tf.constant([1.0, 2.0]),
            "word": tf.constant(["a", "b"]),
            "miles": tf.constant([1, 2], tf.int64),
            "y": tf.constant([0, 1], tf.int64),
        }
        preprocessing(lambda inputs, _: function(inputs))(columns, {"dataset": DATASET.for_model()})
    return str(error.value)


def test_a_mistyped_column_is_an_error_of_the_code_with_its_line():
    def features_of(inputs):
        return {"x": number(inputs["fares"])}

    message, place = refused(features_of).splitlines()
    assert message == (
        "A feature reads the column 'fares', which the schema does not have. Did you mean 'fare'?"
    )
    line = features_of.__code__.co_firstlineno + 1
    assert place == (
        f"library/tests/models/test_own_features.py, line {line}, in features_of: "
        'return {"x": number(inputs["fares"])}'
    )


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda i: {}, "returns no features"),
        (lambda i: [i["fare"]], "returns a list"),
        (lambda i: {"f": i["word"]}, "'f' is text.* Use code"),
        (lambda i: {"f": tf.cast(i["fare"], tf.int64)}, "'f' has whole numbers .int64.*rank"),
        (lambda i: {"f": tf.strings.length(i["word"])}, "'f' has whole numbers .int32"),
        (lambda i: {"f": tf.zeros((2, 3, 4))}, "'f' has the shape .2, 3, 4"),
        (lambda i: {"f": tf.reduce_mean(i["fare"])}, "'f' has the shape"),
        (lambda i: {"f": tf.sparse.from_dense([[1.0]])}, "'f' is a SparseTensor"),
        (lambda i: {"f": 1.0}, "'f' is a float"),
        (lambda i: {"f": rank(i["fare"], buckets=1)}, "rank.. takes a whole.* from 2 on.*not 1"),
        (lambda i: {"f": words(i["word"], buckets=0.5)}, "words.. takes a whole number.*not 0.5"),
        (lambda i: {"f": code(i["word"], vocabulary_size=0)}, "from 1 on for vocabulary_size"),
        (lambda i: {"f": number(i["fare"], missing=np.nan)}, "finite number for missing, not nan"),
        (lambda i: {"f": date_parts(i["fare"], "sec")}, "takes s, ms, us or ns for unit.*'sec'"),
        (lambda i: {"f": date_parts(i["fare"], "text")}, "takes s, ms, us or ns for unit"),
        (lambda i: {"f": date_parts(i["word"], order="dym")}, "ymd, dmy or mdy for order.*'dym'"),
        (lambda i: {"f": date_parts(i["fare"], parts=["hour"])}, "time_of_year for parts.*'hour'"),
        (lambda i: {"f": rank(i["word"])}, "'f' cannot be made: it is text"),
        (lambda i: {"f": code(tf.zeros((2, 2)))}, "'f' cannot be made: it has the shape .2, 2"),
        (lambda i: {"f": number(i["fares"])}, "'fares', which the schema.*mean 'fare'"),
        (lambda i: {"f": number(i["y"])}, "'y', which the label is made from"),
        (lambda i: {"fare": number(i["fare"])}, "'fare' has the name of a column"),
        (lambda i: {"": number(i["fare"])}, "called ''"),
        (lambda i: {"transformed.label": number(i["fare"])}, "as the label is"),
        (lambda i: {"a": {"b": i["fare"]}, "a.b": i["fare"]}, "two features 'a.b'"),
        (lambda i: {"f": number(code(i["word"]) * 2)}, "code.. makes a feature"),
    ],
)
def test_what_cannot_be_a_feature_is_named_with_what_to_do(function, message):
    assert re.search(message, refused(function))


@preprocessing
def with_a_bug(inputs, custom_config):
    return {"per_mile": rank(inputs["fare"] / mlies)}  # noqa: F821


def test_an_exception_is_shown_with_the_line_of_the_owners_code(frame, tmp_path):
    with pytest.raises(NameError) as caught:
        transform(DATASET, frame, tmp_path, with_a_bug)
    line = with_a_bug.__wrapped__.__code__.co_firstlineno + 2
    place = f"library/tests/models/test_own_features.py, line {line}, in with_a_bug: return"
    assert located("It fails.", caught.value).startswith(f"It fails.\n{place} ")


def test_a_name_is_taken_once():
    def twice(inputs):
        features = by_role(inputs, DATASET)
        features |= {"fare.rank": number(inputs["fare"])}

    assert "two features 'fare.rank'" in refused(twice)
