"""The features of our taxi trips."""

import tensorflow as tf
import tensorflow_transform as tft

from tfxkit.config.dataset import Dataset
from tfxkit.features.helpers import (
    as_text,
    by_role,
    code,
    hashed,
    is_missing,
    number,
    rank,
    words,
)
from tfxkit.features.preprocessing import preprocessing


@preprocessing
def preprocessing_fn(inputs, custom_config):
    features = by_role(inputs, Dataset.model_validate(custom_config["dataset"]))
    miles = inputs["trip_miles"]

    features["fare_per_mile"] = rank(inputs["fare"] / miles)
    features["is_long"] = number(inputs["trip_seconds"] > 1800)
    start, end = inputs["pickup_community_area"], inputs["dropoff_community_area"]
    features["from-to"] = hashed(as_text(start) + "/" + as_text(end), buckets=50)
    # The tract itself is ignored in dataset.yaml, as nearly every row lacks it.
    no_tract = is_missing(inputs["pickup_census_tract"])
    features["tract"] = code(tf.where(no_tract, "unknown", "known"))
    features["company_words"] = words(inputs["company"], buckets=200)

    # What tf.Transform computes is a feature, too.
    features["miles_z"] = tft.scale_to_z_score(miles)
    features["weekend"] = tf.one_hot(tf.cast(inputs["trip_start_day"] > 5, tf.int32), 2)
    return features
