"""Models as the Trainer exports them and as the Pusher serves them, small and without weights."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

DATASET: dict[str, Any] = {
    "task": "binary",
    "label": {"column": "tips", "times": "fare", "greater_than": 0.2, "positive": None},
    "columns": {
        "fare": {"role": "numeric", "why": ""},
        "company": {"role": "categorical", "why": ""},
        "note": {"role": "ignored", "why": ""},
    },
}
SCHEMA = """
feature { name: "fare" type: FLOAT }
feature { name: "tips" type: FLOAT }
feature { name: "company" type: BYTES }
feature { name: "note" type: BYTES }
"""


@pytest.fixture
def dataset() -> dict[str, Any]:
    return json.loads(json.dumps(DATASET))


@pytest.fixture
def schema_text() -> str:
    return SCHEMA


@pytest.fixture
def write_model() -> Callable[..., Path]:
    """Writes what the Trainer exports, as far as anybody but TensorFlow can tell."""

    def write(folder: Path, fingerprint: str = "f1", dataset: Any = DATASET) -> Path:
        extra = folder / "assets.extra"
        (folder / "variables").mkdir(parents=True)
        extra.mkdir()
        (folder / "saved_model.pb").write_bytes(b"graph of " + fingerprint.encode())
        (folder / "variables" / "variables.index").write_bytes(b"index")
        (folder / "variables" / "variables.data-00000-of-00001").write_bytes(b"w" * 3_000_000)
        (extra / "fingerprint").write_text(fingerprint + "\n")
        (extra / "schema.pbtxt").write_text(SCHEMA)
        (extra / "config.json").write_text(json.dumps({"dataset": dataset}))
        (extra / "model.weights.h5").write_bytes(b"weights")
        return folder

    return write


@pytest.fixture
def write_statistics() -> Callable[[Path], Path]:
    """Writes what StatisticsGen does."""

    def write(folder: Path) -> Path:
        from tensorflow_metadata.proto.v0 import statistics_pb2

        for split, rows in (("train", 20), ("eval", 10)):
            proto = statistics_pb2.DatasetFeatureStatisticsList()
            proto.datasets.add(name=split, num_examples=rows)
            (folder / f"Split-{split}").mkdir(parents=True)
            (folder / f"Split-{split}" / "FeatureStats.pb").write_bytes(proto.SerializeToString())
        return folder

    return write


@pytest.fixture
def write_version(
    write_model: Callable[..., Path], write_statistics: Callable[[Path], Path]
) -> Callable[..., Path]:
    """Writes a complete version, as the Pusher leaves it."""

    def write(serving_dir: Path, version: int, **model: Any) -> Path:
        folder = write_model(serving_dir / str(version), **model)
        write_statistics(folder / "assets.extra" / "statistics")
        return folder

    return write
