"""The features: what the model sees of a row. This page is yours to change.

`by_role` makes the features of the roles in `configs/dataset.yaml`. Add your own below it, a line
each. Network, evaluation, report and serving read them from the Transform graph, so there is no
second list to keep.

    features["fare_per_mile"] = rank(inputs["fare"] / inputs["trip_miles"])
    features["is_long"] = number(inputs["trip_seconds"] > 3600)
    features["company_word"] = hashed(tf.strings.regex_replace(inputs["company"], " .*", ""))
    features["pickup"] = date_parts(inputs["trip_start_timestamp"])
    features["fare_z"] = tft.scale_to_z_score(inputs["fare"])

`inputs` has every column of `configs/schema.pbtxt`, those whose role is `ignored` included: a dense
tensor with one value a row, as pandas has it. Numbers are float64, NaN where one is missing; text
is "" there. What is missing stays missing: of two numbers, if one is NaN or the second one of a
division is 0, so is the result.

`tfxkit.features.helpers` has one function for each kind of feature, all in one import:

    rank        a number by its place among those of the training data, 0 to 1: the best choice
    bucketized  a number by the quantile that it lies in
    number      a number as it is, or a yes or no
    code        a text by its place in a vocabulary
    hashed      a text by its hash, for very many different values
    words       a text by its words
    date_parts  a time by its trend, and the time of day, week and year

A tensor that tf.Transform (`tft`) computes is a feature as well. docs/extending.md has an example,
tests/test_features.py a test.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tfxkit.config.dataset import Dataset
from tfxkit.features.helpers import (
    Columns,
    Features,
    bucketized,
    by_role,
    code,
    date_parts,
    hashed,
    number,
    preprocessing,
    rank,
    words,
)


@preprocessing
def preprocessing_fn(inputs: Columns, custom_config: Mapping[str, Any]) -> Features:
    """Makes the features of a batch of rows; this function is yours.

    tf.Transform runs it once, to build a graph that becomes part of the exported model: what
    happens to a row in training happens to it in serving.

    Args:
        inputs: The raw columns, by name.
        custom_config: The `custom_config` of Transform in `pipeline/dag.py`.

    Returns:
        The features by name, in the order in which the model takes them.
    """
    dataset = Dataset.model_validate(custom_config["dataset"])
    features = by_role(inputs, dataset)
    # Your own features go here.
    return features
