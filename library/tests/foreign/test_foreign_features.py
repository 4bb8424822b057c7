"""Features of the owner's, through a whole run: see project/models/features.py."""

from __future__ import annotations

import csv
import html
import io
import json
import re

import numpy as np
import pytest
import tensorflow as tf

from tfxkit.features.model_inputs import FIRST_WORD_CODE

pytestmark = pytest.mark.slow
FROM_TO = "from_u2d_to"  # "from-to", in characters that Keras takes
OWN = ["fare_per_mile", "is_long", FROM_TO, "tract", "company_words", "miles_z", "weekend"]
ROW = re.compile(r'<tr><th scope="row"><code>([^<]*)</code></th>(.*?)</tr>', re.DOTALL)


def rows_of(foreign, split: str) -> list[tf.train.Example]:
    [folder] = foreign.outputs.artifacts.glob(f"ExampleGen/examples/*/Split-{split}")
    files = sorted(map(str, folder.glob("*.gz")))
    return [tf.train.Example.FromString(r.numpy()) for r in tf.data.TFRecordDataset(files, "GZIP")]


def values(rows: list[tf.train.Example], column: str) -> np.ndarray:
    found = [row.features.feature[column] for row in rows]
    numbers = [[*one.float_list.value, *one.int64_list.value] for one in found]
    return np.array([one[0] if one else np.nan for one in numbers])


@pytest.fixture(scope="module")
def model(foreign):
    return tf.saved_model.load(foreign.latest().pushed_path)


def ask(model, signature: str, rows: list[tf.train.Example]) -> dict[str, np.ndarray]:
    serialized = tf.constant([row.SerializeToString() for row in rows])
    return {n: t.numpy() for n, t in model.signatures[signature](examples=serialized).items()}


def test_the_pushed_model_makes_them_from_raw_rows(foreign, model):
    train, rows = rows_of(foreign, "train"), rows_of(foreign, "eval")
    features = ask(model, "transform_features", rows)
    with np.errstate(divide="ignore", invalid="ignore"):
        learned, asked = (
            values(part, "fare") / values(part, "trip_miles") for part in (train, rows)
        )
    learned, known = np.sort(learned[np.isfinite(learned)]), np.isfinite(asked)
    assert 0 < known.sum() < len(rows)  # some trips have no length
    assert (features["fare_per_mile"][~known] == -1).all()
    low, high = (
        np.searchsorted(learned, asked[known], side) / len(learned) for side in ("left", "right")
    )
    found = features["fare_per_mile"][known]
    assert ((found > low - 0.03) & (found < high + 0.03)).all()

    np.testing.assert_array_equal(features["is_long"], values(rows, "trip_seconds") > 1800)
    weekend = values(rows, "trip_start_day") > 5
    np.testing.assert_array_equal(features["weekend"], np.stack([~weekend, weekend], axis=1))
    miles = values(train, "trip_miles")
    standard = (values(rows, "trip_miles") - np.nanmean(miles)) / np.nanstd(miles)
    there = ~np.isnan(standard)
    np.testing.assert_allclose(features["miles_z"][there], standard[there], atol=0.02)
    no_tract = np.isnan(values(rows, "pickup_census_tract"))
    np.testing.assert_array_equal(features["tract"] == FIRST_WORD_CODE, no_tract)
    assert features["company_words"].shape == (len(rows), 199)
    assert 10 < len(set(features[FROM_TO])) <= 50


def test_the_network_was_trained_with_them(foreign, model):
    with open(f"{foreign.latest().pushed_path}/assets.extra/features.json") as file:
        names = [feature["name"] for feature in json.load(file)["features"]]
    assert names[-len(OWN) :] == OWN
    rows = rows_of(foreign, "eval")[:50]
    before = ask(model, "serving_default", rows)["probability"]
    for row in rows:  # what nothing but `tract` is made from
        row.features.feature["pickup_census_tract"].int64_list.value[:] = [17031839100]
    assert (ask(model, "serving_default", rows)["probability"] != before).any()


def features_on(page: str) -> dict[str, str]:
    """The table of features of a report: the words of each row by the feature's name."""
    rows = ROW.findall(html.unescape(page))
    return {name: " ".join(re.sub(r"<[^>]*>", " ", row).split()) for name, row in rows}


def test_the_report_shows_them(foreign):
    table = features_on(foreign.report())
    assert set(OWN) <= table.keys()
    own = "preprocessing_fn"
    rank = "rank among 64 quantiles, 0 to 1 0 to 1 train"
    assert table["fare_per_mile"].startswith(f"fare, trip_miles {own} {rank}")
    assert table["is_long"].startswith(f"trip_seconds {own} number 0 to 1 –")
    areas = "dropoff_community_area, pickup_community_area"
    assert table[FROM_TO].startswith(f"{areas} {own} hash bucket, one of 50 1 to ")
    tract = f"pickup_census_tract {own} code of 1 known value 2 to 2 train"
    assert table["tract"].startswith(tract)
    assert table["tract"].endswith(" unknown")
    assert table["miles_z"].startswith(f"trip_miles {own} number ")
    assert table["weekend"].startswith(f"trip_start_day {own} 2 numbers 0 to 1 –")
    assert table["fare.rank"].startswith("fare numeric rank among 64 quantiles")


def test_predict_asks_for_the_columns_that_they_need(foreign):
    [file] = foreign.root.glob("data/taxi/span-1/*.csv")
    found = foreign.pipeline("predict", str(file))
    assert found.returncode == 0, found.stderr
    rows = list(csv.DictReader(io.StringIO(found.stdout)))
    assert len(rows) == len(list(csv.DictReader(file.open())))
    assert len({row["probability"] for row in rows}) > 10

    short = foreign.root / "short.csv"
    with short.open("w", newline="") as output:
        kept = [
            name for name in rows[0] if name not in ("pickup_census_tract", "probability", "tips")
        ]
        writer = csv.DictWriter(output, kept, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    refused = foreign.pipeline("predict", str(short))
    assert refused.returncode == 4
    assert "lacks columns that the model needs: pickup_census_tract." in refused.stderr
