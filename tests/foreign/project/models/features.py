"""The features of our taxi trips."""

import tensorflow as tf
import tensorflow_transform as tft

from tfxkit.config.dataset import Dataset
from tfxkit.features.helpers import (
    by_role,
    code,
    filled,
    hashed,
    number,
    preprocessing,
    rank,
    words,
)


@preprocessing
def preprocessing_fn(inputs, custom_config):
    features = by_role(inputs, Dataset.model_validate(custom_config["dataset"]))
    miles = inputs["trip_miles"]

    features["fare_per_mile"] = rank(inputs["fare"] / miles)
    features["is_long"] = number(inputs["trip_seconds"] > 1800)
    features["from-to"] = hashed(
        tf.strings.as_string(filled(inputs["pickup_community_area"], -1))
        + "/"
        + tf.strings.as_string(filled(inputs["dropoff_community_area"], -1)),
        buckets=50,
    )
    # The tract is ignored in dataset.yaml: it is missing in nearly all rows, but not everywhere.
    features["tract_known"] = code(tf.where(tf.math.is_nan(inputs["pickup_census_tract"]), "", "y"))
    features["company_words"] = words(inputs["company"], buckets=200)

    # What tf.Transform computes is a feature, too.
    features["miles_z"] = tft.scale_to_z_score(miles)
    features["weekend"] = tf.one_hot(tf.cast(inputs["trip_start_day"] > 5, tf.int32), 2)
    return features
