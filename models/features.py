"""The features: the inputs of the model. This file is yours to change.

`by_role` computes a feature for each role in `configs/dataset.yaml`. Add your own features below
it, one line each. Network, evaluation, report and serving read the features from the Transform
graph, so there is no second list to maintain.

    features["unit_price"] = rank(inputs["amount"] / inputs["items"])
    features["is_large"] = number(inputs["items"] > 10)
    features["brand"] = hashed(tf.strings.regex_replace(inputs["product"], " .*", ""))
    features["ordered"] = date_parts(inputs["order_time"])
    features["amount_z"] = tft.scale_to_z_score(inputs["amount"])

`inputs` has every column of `configs/schema.pbtxt`, including those with the role `ignored`, as a
dense tensor with one value per row, like a column in pandas. Numbers are float64, and NaN if
missing; a missing text is "". Arithmetic with a missing number, and a division by zero, gives a
missing value.

`tfxkit.features.helpers` has one function for each kind of feature:

    rank        a number by its rank in the training data, 0 to 1: the best choice for most numbers
    bucketized  a number by its quantile
    number      a number as it is, or a truth value
    code        a text by its position in a vocabulary
    hashed      a text by its hash, for very many different values
    words       a text by its words
    date_parts  a time by its trend, and by the time of day, week and year

A tensor computed with tf.Transform (`tft`) is a feature as well. docs/extending.md has an example,
tests/test_features.py a test.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tfxkit.config.dataset import Dataset
from tfxkit.features.helpers import (
    bucketized,
    by_role,
    code,
    date_parts,
    hashed,
    number,
    rank,
    words,
)
from tfxkit.features.preprocessing import Columns, Features, preprocessing


@preprocessing
def preprocessing_fn(inputs: Columns, custom_config: Mapping[str, Any]) -> Features:
    """Computes the features of a batch of rows; this function is yours.

    tf.Transform calls this function once, to build a graph that becomes part of the exported model.
    So training and serving compute the same features.

    Args:
        inputs: The raw columns, by name.
        custom_config: The `custom_config` of Transform in `pipeline/dag.py`.

    Returns:
        The features by name, in the order of the model's inputs.
    """
    dataset = Dataset.model_validate(custom_config["dataset"])
    features = by_role(inputs, dataset)
    # Your own features go here.
    return features
