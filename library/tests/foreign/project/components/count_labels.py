"""Number of rows of each class to train on, and the weights that balance them."""

from typing import TypedDict

import numpy as np
import tensorflow as tf
from sklearn.utils.class_weight import compute_class_weight
from tfx import v1 as tfx
from tfx.types import artifact_utils

from components.label_names import name_of

Examples = tfx.types.standard_artifacts.Examples
JsonValue = tfx.types.standard_artifacts.JsonValue


class Counted(TypedDict):
    rows: int


@tfx.dsl.components.component
def CountLabels(
    examples: tfx.dsl.components.InputArtifact[Examples],
    classes: tfx.dsl.components.OutputArtifact[JsonValue],
    split: tfx.dsl.components.Parameter[str] = "train",
) -> Counted:
    folder = artifact_utils.get_split_uri([examples], split)
    labels = []
    for record in tf.data.TFRecordDataset(tf.io.gfile.glob(f"{folder}/*"), "GZIP"):
        features = tf.train.Example.FromString(record.numpy()).features.feature
        tips = sum(features["tips"].float_list.value)
        labels.append(int(tips > 0.2 * sum(features["fare"].float_list.value)))
    found, rows = np.unique(labels, return_counts=True)
    weights = compute_class_weight("balanced", classes=found, y=labels)
    classes.write(
        {
            name_of(label): {"rows": int(count), "weight": round(float(weight), 3)}
            for label, count, weight in zip(found, rows, weights, strict=True)
        }
    )
    return {"rows": len(labels)}
