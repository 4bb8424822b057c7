"""A model is blessed if a fresh process can serve it and it predicts what the code predicts."""

import errno
import json
import os
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from ml_metadata import metadata_store as mlmd
from ml_metadata.proto import metadata_store_pb2
from tfx.dsl.components.base import base_executor
from tfx.dsl.components.common.importer import Importer
from tfx.orchestration import metadata, pipeline
from tfx.orchestration.local import local_dag_runner
from tfx.types import standard_artifacts

from tfxkit.components.serving_check import RESULT_FILE, ServingCheck, probe, verdict
from tfxkit.components.serving_check.component import ServingCheckExecutor
from tfxkit.components.serving_check.fresh_process import run_limited
from tfxkit.components.serving_check.verdict import NotBlessedError
from tfxkit.errors import MachineError

ROWS = 12
FEATURES = {
    "fare": tf.io.FixedLenFeature([1], tf.float32, default_value=[0.0]),
    "tips": tf.io.FixedLenFeature([1], tf.float32, default_value=[0.0]),
}
Outputs = Callable[[dict[str, tf.Tensor], tf.Tensor], dict[str, tf.Tensor]]


def parse(serialized: Any) -> dict[str, tf.Tensor]:
    return tf.io.parse_example(serialized, FEATURES)


def good(features: dict[str, tf.Tensor], logits: tf.Tensor) -> dict[str, tf.Tensor]:
    predicted = tf.sigmoid(logits)
    names = tf.where(predicted > 0.5, "yes", "no")
    return {"predictions": predicted, "class": names, "score": features["fare"]}


def peeking(features: dict[str, tf.Tensor], logits: tf.Tensor) -> dict[str, tf.Tensor]:
    return {"predictions": tf.sigmoid(logits + features["tips"])}


def nan(features: dict[str, tf.Tensor], logits: tf.Tensor) -> dict[str, tf.Tensor]:
    third = tf.equal(tf.range(tf.shape(logits)[0]), 3)[:, tf.newaxis]
    return {"predictions": tf.where(third, np.nan, logits)}


def greedy(features: dict[str, tf.Tensor], logits: tf.Tensor) -> dict[str, tf.Tensor]:
    # 4 GB, made of what is only known when it runs, so that nothing of it is folded away.
    wide = tf.random.uniform([tf.shape(logits)[0] * 0 + 30_000, 32_000])
    return {"predictions": logits + tf.reduce_mean(tf.sort(wide)) * 0.0}


def waiting(features: dict[str, tf.Tensor], logits: tf.Tensor) -> dict[str, tf.Tensor]:
    # 50 ms without the processor, as on a machine that has none to spare.
    element: dict[str, Any] = {"output_types": [tf.float32], "output_shapes": [[]]}
    dataset = tf.raw_ops.TensorDataset(components=[0.0], output_shapes=[[]])
    dataset = tf.raw_ops.SleepDataset(input_dataset=dataset, sleep_microseconds=50_000, **element)
    [zero] = tf.raw_ops.DatasetToSingleElement(dataset=dataset, **element)
    return {"predictions": logits + zero}


class Trained:
    """The artifacts of a Keras model exported with the given outputs, and its rebuild function."""

    def __init__(self, folder: Path, outputs: Outputs) -> None:
        self.folder = folder
        keras.utils.set_random_seed(1)
        self.network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
        def serve(examples: tf.Tensor) -> dict[str, tf.Tensor]:
            features = parse(examples)
            return outputs(features, self.network(features["fare"]))

        archive = keras.export.ExportArchive()
        archive.track(self.network)
        archive.add_endpoint("serving_default", serve)
        archive.write_out(str(folder / "model/Format-Serving"), verbose=False)

        (folder / "examples/Split-eval").mkdir(parents=True)
        options = tf.io.TFRecordOptions(compression_type="GZIP")
        path = str(folder / "examples/Split-eval/data_tfrecord-00000-of-00001.gz")
        with tf.io.TFRecordWriter(path, options) as writer:
            for row in range(ROWS + 5):
                example = tf.train.Example()
                example.features.feature["fare"].float_list.value.append(row - 5.5)
                example.features.feature["tips"].float_list.value.append(1.0)
                writer.write(example.SerializeToString())

    def rebuild(self, model_dir: str, transform_graph_dir: str) -> Callable[..., np.ndarray]:
        assert model_dir.endswith("model/Format-Serving")
        assert transform_graph_dir.endswith("transform_graph")

        def predict(serialized: list[bytes]) -> np.ndarray:
            assert isinstance(serialized[0], bytes)
            return tf.sigmoid(self.network(parse(serialized)["fare"])).numpy()[:, 0]

        return predict

    def run_pipeline(self) -> str:
        """Runs the step in a pipeline of TFX, with the artifacts that are there already.

        Returns:
            What ML Metadata says of the step.
        """
        Path(self.folder / "rebuilding.py").write_text("from rebuilt_by_this_test import rebuild")
        inputs = {
            "model": Importer(str(self.folder / "model"), standard_artifacts.Model),
            "examples": Importer(
                str(self.folder / "examples"),
                standard_artifacts.Examples,
                properties={"split_names": '["eval"]'},
            ),
            "transform_graph": Importer(
                str(self.folder / "transform_graph"), standard_artifacts.TransformGraph
            ),
        }
        for name, importer in inputs.items():
            importer.with_id(name)
        step = ServingCheck(
            **{name: importer.outputs["result"] for name, importer in inputs.items()},
            rebuild_fn="rebuilding.rebuild",
            num_examples=ROWS,
            strip_features=["tips"],
        )
        database = metadata.sqlite_metadata_connection_config(str(self.folder / "metadata.db"))
        local_dag_runner.LocalDagRunner().run(
            pipeline.Pipeline(
                "serving",
                pipeline_root=str(self.folder / "root"),
                components=[*inputs.values(), step],
                metadata_connection_config=database,
                enable_cache=True,
            )
        )
        store = mlmd.MetadataStore(database)
        executions = store.get_executions_by_type(
            "tfxkit.components.serving_check.component.ServingCheck"
        )
        return metadata_store_pb2.Execution.State.Name(
            max(executions, key=lambda execution: execution.id).last_known_state
        )

    def check(self, **limits_of_check: Any) -> tuple[standard_artifacts.InfraBlessing, Any]:
        properties = {
            "rebuild_fn": "rebuilt_by_this_test.rebuild",
            "split": "eval",
            "num_examples": ROWS,
            "timeout_s": 100,
            "memory_mb": 4096,
            "latency_ms": 1000.0,
            "size_mb": 100.0,
            "strip_features": '["tips"]',
        }
        artifacts = {
            "model": standard_artifacts.Model(),
            "examples": standard_artifacts.Examples(),
            "transform_graph": standard_artifacts.TransformGraph(),
            "blessing": standard_artifacts.InfraBlessing(),
        }
        for name, artifact in artifacts.items():
            artifact.uri = str(self.folder / name)
        artifacts["examples"].split_names = '["train", "eval"]'
        blessing = artifacts.pop("blessing")
        ServingCheckExecutor(base_executor.BaseExecutor.Context()).Do(
            {name: [artifact] for name, artifact in artifacts.items()},
            {"blessing": [blessing]},
            properties | limits_of_check,
        )
        return blessing, json.loads((Path(blessing.uri) / RESULT_FILE).read_text())


@pytest.fixture
def trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Outputs], Trained]:
    def train(outputs: Outputs) -> Trained:
        model = Trained(tmp_path, outputs)
        module = types.SimpleNamespace(rebuild=model.rebuild)
        monkeypatch.syspath_prepend(str(tmp_path))
        monkeypatch.setitem(sys.modules, "rebuilt_by_this_test", module)
        return model

    return train


def reason_not_blessed(blessing: standard_artifacts.InfraBlessing, result: dict[str, Any]) -> str:
    assert blessing.get_int_custom_property("blessed") == 0
    names = {path.name for path in Path(blessing.uri).iterdir()}
    assert names == {"INFRA_NOT_BLESSED", RESULT_FILE}
    assert result["blessed"] is False
    assert result["reason"] == blessing.get_string_custom_property("reason")
    return result["reason"]


@pytest.mark.slow
def test_a_good_model_is_blessed_with_its_measures(trained: Callable[[Outputs], Trained]) -> None:
    blessing, result = trained(good).check()

    assert result["reason"] is None
    assert blessing.get_int_custom_property("blessed") == 1
    assert {path.name for path in Path(blessing.uri).iterdir()} == {"INFRA_BLESSED", RESULT_FILE}
    assert result["num_examples"] == blessing.get_int_custom_property("num_examples") == ROWS
    assert 0 < result["load_seconds"] < 60
    assert 0 < result["latency_ms"] <= result["first_answer_ms"]
    assert 0 < result["batch_latency_ms"] <= result["first_answer_ms"]
    assert 300 < result["peak_memory_mb"] < 4096  # TensorFlow alone is more than 300
    assert 0 <= result["largest_difference"] <= 1e-5
    for name in ("load_seconds", "latency_ms", "peak_memory_mb", "largest_difference"):
        assert blessing.get_float_custom_property(name) == result[name]


@pytest.mark.slow
def test_a_prediction_that_is_no_number_is_found(trained: Callable[[Outputs], Trained]) -> None:
    reason = reason_not_blessed(*trained(nan).check())
    assert reason == "The model answered example 3 with predictions nan."


@pytest.mark.slow
def test_a_model_that_differs_from_its_code_is_found(
    trained: Callable[[Outputs], Trained],
) -> None:
    model = trained(good)
    [kernel, bias] = model.network.get_weights()
    model.network.set_weights([kernel, bias + 1e-3])
    blessing, result = model.check()
    assert "predicts otherwise" in reason_not_blessed(blessing, result)
    assert 1e-5 < result["largest_difference"] <= 1e-3


@pytest.mark.slow
def test_a_model_that_needs_what_no_client_has_is_found(
    trained: Callable[[Outputs], Trained],
) -> None:
    reason = reason_not_blessed(*trained(peeking).check())
    assert "where tips are not given" in reason


@pytest.mark.slow
def test_a_model_that_eats_memory_is_stopped(trained: Callable[[Outputs], Trained]) -> None:
    blessing, result = trained(greedy).check(memory_mb=1500)
    assert reason_not_blessed(blessing, result) == "The model needed more than 1500 MB of memory."
    assert result["peak_memory_mb"] > 1500


def test_no_answer_in_time_is_no_verdict(trained: Callable[[Outputs], Trained]) -> None:
    model = trained(good)
    # Not even TensorFlow is loaded in a second.
    with pytest.raises(MachineError, match="gave no answer in 1 s") as raised:
        model.check(timeout_s=1)
    assert "python -m pipeline resume" in str(raised.value)
    assert not (model.folder / "blessing").exists()


@pytest.mark.slow
def test_an_accident_of_the_machine_is_never_cached(
    trained: Callable[[Outputs], Trained], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = trained(good)
    (tmp_path / "accident").mkdir()
    # Imported by the fresh process as it starts; what Linux does when memory runs out.
    killed = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    (tmp_path / "accident/sitecustomize.py").write_text(killed)
    with monkeypatch.context() as machine:
        machine.setenv("PYTHONPATH", str(tmp_path / "accident"), prepend=os.pathsep)
        with pytest.raises(MachineError, match=r"killed \(SIGKILL\)\. That is no verdict"):
            model.run_pipeline()
    assert model.run_pipeline() == "COMPLETE"
    assert model.run_pipeline() == "CACHED"


def test_a_model_that_is_too_large_is_not_even_tried(
    trained: Callable[[Outputs], Trained],
) -> None:
    blessing, result = trained(good).check(size_mb=0.001)
    reason = reason_not_blessed(blessing, result)
    assert reason.startswith("The model is too large: ") and "0.001 MB are allowed" in reason
    assert result["load_seconds"] is None


@pytest.mark.parametrize(
    ("error", "accident"),
    [
        (FileNotFoundError(errno.ENOENT, "No such file or directory", "labels.txt"), False),
        (NotADirectoryError(errno.ENOTDIR, "Not a directory", "labels.txt"), False),
        (OSError("SavedModel file does not exist"), False),
        (ValueError("shapes"), False),
        (OSError(errno.ENOSPC, "No space left on device"), True),
        (PermissionError(errno.EACCES, "Permission denied"), True),
        (MemoryError(), True),
    ],
)
def test_a_wrong_path_is_no_accident(error: Exception, accident: bool) -> None:
    assert probe.is_accident(error) == accident


@pytest.mark.slow
def test_a_model_that_is_too_slow_is_found(trained: Callable[[Outputs], Trained]) -> None:
    reason = reason_not_blessed(*trained(good).check(latency_ms=1e-3))
    assert reason.startswith("The model is too slow: one example takes ")


@pytest.mark.slow
def test_a_processor_that_is_busy_is_no_verdict(trained: Callable[[Outputs], Trained]) -> None:
    with pytest.raises(MachineError, match="of processor time"):
        trained(waiting).check(latency_ms=40.0)


def test_no_examples_to_try_it_with(trained: Callable[[Outputs], Trained]) -> None:
    model = trained(good)
    assert "no split 'test'" in reason_not_blessed(*model.check(split="test"))
    (model.folder / "examples/Split-train").mkdir()
    assert "'train' has no examples" in reason_not_blessed(*model.check(split="train"))


@pytest.mark.parametrize(
    ("program", "fault", "is_accident"),
    [
        ("pass", None, False),
        ("x = bytearray(500 << 20); import time; time.sleep(60)", "needed more than 200 MB", False),
        ("import os; os.abort()", "crashed the process that served it (SIGABRT)", False),
        ("import os; os.write(2, b'std::bad_alloc'); os.abort()", "out of memory (SIGABRT)", True),
        ("raise OSError('disk full')", "ended with exit code 1: OSError: disk full", True),
        ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", "killed (SIGTERM)", True),
    ],
)
def test_limits_of_a_process(program: str, fault: str | None, is_accident: bool) -> None:
    ended = run_limited([sys.executable, "-c", program], env={}, timeout_s=60, memory_mb=200)
    assert ended.fault is None if fault is None else fault in str(ended.fault)
    assert ended.is_accident == is_accident


def test_a_process_that_cannot_start_is_an_accident() -> None:
    ended = run_limited(["/no/such/program"], env={}, timeout_s=60, memory_mb=200)
    assert ended.is_accident
    assert "could not be started: " in str(ended.fault)


def probed(folder: Path, module: tf.Module, signatures: Any) -> dict[str, Any]:
    tf.saved_model.save(module, str(folder / "saved"), signatures=signatures)
    (folder / "work").mkdir()
    with tf.io.TFRecordWriter(str(folder / "work/batch.tfrecord")) as writer:
        writer.write(b"")
    probe.main(str(folder / "saved"), folder / "work")
    return json.loads((folder / "work/probe.json").read_text())


def test_what_the_probe_cannot_serve(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    probe.main(str(tmp_path / "empty"), tmp_path)
    assert (
        "it cannot be loaded: OSError" in json.loads((tmp_path / "probe.json").read_text())["error"]
    )

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def fail(examples: tf.Tensor) -> tf.Tensor:
        with tf.control_dependencies([tf.debugging.Assert(tf.size(examples) < 0, ["too many"])]):
            return tf.identity(examples)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="fare")])
    def parsed(fare: tf.Tensor) -> tf.Tensor:
        return fare

    for name, signatures, error in (
        ("other", {"classify": fail}, "it has no signature serving_default"),
        ("fails", {"serving_default": fail}, "it cannot answer the batch request: Invalid"),
        ("parsed", {"serving_default": parsed}, "serving_default takes fare (float32), not one"),
    ):
        module = tf.Module()
        module.function = next(iter(signatures.values()))
        (tmp_path / name).mkdir()
        assert error in probed(tmp_path / name, module, signatures)["error"]


@pytest.mark.parametrize(
    ("outputs", "says"),
    [
        ({"p": np.ones((3, 1)), "class": np.array([b"a"] * 3)}, None),
        ({}, "no outputs"),
        ({"p": np.ones((2, 1))}, "answered 3 examples with 2x1"),
        ({"p": np.ones((1, 3))}, "answered 3 examples with 1x3"),
        ({"p": np.float32(1).reshape(())}, "a single one"),
        ({"p": np.ones(3, complex)}, "complex128, not numbers"),
        ({"p": np.array([1.0, np.inf, 1.0])}, "example 1 with p inf"),
    ],
)
def test_the_form_of_answers(outputs: dict[str, np.ndarray], says: str | None) -> None:
    if says is None:
        verdict.check_form(outputs, rows=3)
    else:
        with pytest.raises(NotBlessedError, match=says):
            verdict.check_form(outputs, rows=3)


def test_which_output_is_compared_and_how() -> None:
    one, two = np.array([[1.0], [2.0]]), np.array([1.0, 2.0 + 4e-5])
    assert verdict.predictions({"class": np.array([b"a", b"b"]), "p": one}) is one
    assert verdict.predictions({"predictions": one, "p": two}) is one
    with pytest.raises(NotBlessedError, match="outputs p, q"):
        verdict.predictions({"p": one, "q": two})
    assert verdict.difference(two, one) == pytest.approx(2e-5)
    assert verdict.difference(one / 10, two / 10) == pytest.approx(4e-6)
    with pytest.raises(NotBlessedError, match="shape"):
        verdict.difference(one, np.ones((2, 2)))
