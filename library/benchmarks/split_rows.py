"""The rows of a split as ExampleGen wrote them."""

from __future__ import annotations

from pathlib import Path

import pandas


def read_rows(outputs: Path, split: str) -> pandas.DataFrame:
    """Reads the rows of a split in a folder of outputs; text is bytes, a missing value NaN."""
    import tensorflow as tf

    files = outputs.glob(f"*/artifacts/ExampleGen/examples/*/Split-{split}/*.gz")
    rows = []
    for record in tf.data.TFRecordDataset(sorted(map(str, files)), "GZIP"):
        features = tf.train.Example.FromString(record.numpy()).features.feature
        lists = {
            name: getattr(f, f.WhichOneof("kind") or "int64_list") for name, f in features.items()
        }
        rows.append({name: values.value[0] for name, values in lists.items() if values.value})
    return pandas.DataFrame(rows)
