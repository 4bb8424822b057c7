"""Proves that the two native modules of TFX work, by results: `… -m tfxkit.environment.verify`.

`import ml_metadata` and `import tensorflow_data_validation` are no proof: the first swallows the
ImportError of its native module and goes on empty (ml-metadata 1.21, `ml_metadata/__init__.py`).
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tfxkit.environment import paths
from tfxkit.environment.errors import SetUpError

LINES_OF_A_FAILURE = 3


def metadata() -> None:
    """Writes an artifact into ML Metadata and reads it back."""
    from ml_metadata.metadata_store import metadata_store
    from ml_metadata.proto import metadata_store_pb2 as pb

    config = pb.ConnectionConfig()
    config.fake_database.SetInParent()  # SQLite in memory
    store = metadata_store.MetadataStore(config)
    span_type = pb.ArtifactType(name="Examples")
    span_type.properties["span"] = pb.INT
    written = pb.Artifact(type_id=store.put_artifact_type(span_type), uri="span-7")
    written.properties["span"].int_value = 7
    [artifact_id] = store.put_artifacts([written])
    [read] = store.get_artifacts_by_id([artifact_id])
    if (read.uri, read.properties["span"].int_value) != ("span-7", 7):
        raise AssertionError(f"ML Metadata gave back something else than was written: {read}")


def statistics() -> None:
    """Computes statistics of four rows with TFDV."""
    import pandas as pd
    import tensorflow_data_validation as tfdv

    frame = pd.DataFrame({"fare": [1.0, 2.0, 3.0, None], "company": ["a", "b", "a", "a"]})
    [dataset] = tfdv.generate_statistics_from_dataframe(frame, n_jobs=1).datasets
    columns = {column.path.step[0]: column for column in dataset.features}
    fare, company = columns["fare"].num_stats, columns["company"].string_stats
    found = (dataset.num_examples, fare.common_stats.num_non_missing, fare.mean, company.unique)
    if found != (4, 3, 2.0, 2):
        raise AssertionError(f"TFDV computed wrong statistics: {found}")
    schema = tfdv.infer_schema(tfdv.generate_statistics_from_dataframe(frame, n_jobs=1))
    frame.loc[0, "company"] = "c"
    changed = tfdv.generate_statistics_from_dataframe(frame, n_jobs=1)
    if "company" not in tfdv.validate_statistics(changed, schema).anomaly_info:
        raise AssertionError("TFDV did not notice a value that the schema does not know")


CHECKS = {"metadata": metadata, "statistics": statistics}


def in_fresh_process(check: str, python: Path) -> None:
    """Runs one of the checks with another Python.

    Raises:
        SetUpError: If it fails, with the last lines of what it said.
    """
    command = [str(python), "-m", "tfxkit.environment.verify", check]
    environment = {**paths.clean_environment(), "TF_CPP_MIN_LOG_LEVEL": "3"}
    result = subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    if result.returncode:
        last = result.stdout.decode(errors="replace").strip().splitlines()[-LINES_OF_A_FAILURE:]
        raise SetUpError("\n".join([f"TFX {check} does not work here:", *last]))


if __name__ == "__main__":
    CHECKS[sys.argv[1]]()
