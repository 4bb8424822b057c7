"""The open-source backend garbles the messages of a step, and the entrypoint repairs them.

The backend is kubeflow/pipelines 2.17.0, backend/src/v2; the line is given where it does so.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

from tests.kubeflow.emulator.metadata import stored_properties
from tests.kubeflow.emulator.protojson import from_text
from tfxkit.kubeflow.container import Launcher
from tfxkit.kubeflow.messages import adapt_input, adapt_output, add_checkpoint_run
from tfxkit.kubeflow.parameters import apply_overrides

MODEL = {"instanceSchema": "title: tfx.Model\ntype: object\n"}
SPEC = {"artifacts": {"model": {"artifactType": MODEL}}}
POD = Launcher("/")


def message(**metadata: Any) -> dict[str, Any]:
    """The launcher's value for `{{$}}`."""
    return {
        "inputs": {
            "parameterValues": {"serving_dir": "s3://bucket/serving", "count": 3},
            "artifacts": {
                "model": {
                    "artifacts": [
                        {
                            "name": "18",
                            "type": {"instanceSchema": ""},
                            "uri": "minio://mlpipeline/v2/taxi/run/Trainer/1/model",
                            "metadata": metadata,
                        }
                    ]
                }
            },
        },
        "outputs": {
            "outputFile": "/minio/mlpipeline/v2/taxi/run/Pusher/2/output_metadata.json",
            "artifacts": {
                "pushed_model": {
                    "artifacts": [
                        {
                            "name": "pushed_model",
                            "type": MODEL,
                            "uri": "minio://mlpipeline/v2/taxi/run/Pusher/2/pushed_model",
                        }
                    ]
                },
                "executor-logs": {
                    "artifacts": [
                        {
                            "name": "executor-logs",
                            "type": {"schemaTitle": "system.Artifact"},
                            "uri": "minio://mlpipeline/v2/taxi/run/Pusher/2/executor-logs-0",
                        }
                    ]
                },
            },
        },
    }


def adapted_input(given: dict[str, Any]) -> dict[str, Any]:
    adapted = adapt_input(given, SPEC, POD)
    # TFX takes it for a message of this type.
    json_format.ParseDict(adapted, pipeline_spec_pb2.ExecutorInput())
    return adapted


def input_model(adapted: dict[str, Any]) -> dict[str, Any]:
    [model] = adapted["inputs"]["artifacts"]["model"]["artifacts"]
    return model


def test_inputs_get_the_type_that_the_driver_leaves_empty():  # metadata/client.go:1144
    assert input_model(adapted_input(message()))["type"] == MODEL


def test_metadata_loses_what_the_backend_added():  # metadata/client.go:1234, 1249
    found = message(display_name="model", store_session_info="{}", blessed=1.0)
    assert input_model(adapted_input(found))["metadata"] == {"blessed": 1.0}


@pytest.mark.parametrize(
    "value", [[1.0, "a"], [], {"a": {"b": [1.0]}}, {"list": [1.0]}, {"struct": {}}, "list", 1.0]
)
def test_lists_and_structs_come_out_of_what_the_store_wraps_them_in(value):
    # metadata/converter.go:153-166; from the emulator, which was checked against it by itself
    given = json_format.ParseDict({"key": value}, pipeline_spec_pb2.RuntimeArtifact().metadata)
    wrapped = {
        key: json_format.MessageToDict(one) for key, one in stored_properties(given.fields).items()
    }
    assert input_model(adapted_input(message(**wrapped)))["metadata"] == {"key": value}


def test_an_artifact_without_metadata_stays_one():
    given = message()
    del input_model(given)["metadata"]
    assert input_model(adapted_input(given))["metadata"] == {}


def test_the_launchers_own_output_is_not_shown_to_tfx():  # driver/driver.go:761
    assert list(adapted_input(message())["outputs"]["artifacts"]) == ["pushed_model"]


@pytest.mark.parametrize(
    ("uri", "path"),  # component/launcher_v2.go:1239
    [
        ("minio://mlpipeline/v2/a b", "/minio/mlpipeline/v2/a b"),
        ("s3://bucket/key", "/s3/bucket/key"),
        ("gs://bucket/key", "/gcs/bucket/key"),
    ],
)
def test_addresses_become_the_paths_that_the_launcher_mirrors_and_addresses_again(uri, path):
    assert POD.to_local(uri) == path
    assert POD.to_remote(path) == uri
    assert Launcher("/tmp/pod").to_local(uri) == f"/tmp/pod{path}"
    assert Launcher("/tmp/pod").to_remote(f"/tmp/pod{path}") == uri


@pytest.mark.parametrize("text", ["/mnt/data", "https://x/s3/", "/s3", "/s3x/y", "see /s3/x", ""])
def test_other_texts_are_no_addresses(text):
    assert POD.to_local(text) == text
    assert POD.to_remote(text) == text


def test_inputs_and_outputs_are_read_and_written_where_the_launcher_looks():
    adapted = adapted_input(message())
    [pushed] = adapted["outputs"]["artifacts"]["pushed_model"]["artifacts"]
    assert input_model(adapted)["uri"] == "/minio/mlpipeline/v2/taxi/run/Trainer/1/model"
    assert pushed["uri"] == "/minio/mlpipeline/v2/taxi/run/Pusher/2/pushed_model"
    # The file for the results is a path already, and parameters are for the step's own reading.
    assert adapted["outputs"]["outputFile"] == message()["outputs"]["outputFile"]
    assert adapted["inputs"]["parameterValues"] == message()["inputs"]["parameterValues"]


@pytest.mark.parametrize(
    ("variables", "root"),
    [
        ({}, None),  # Vertex AI
        ({"KFP_POD_NAME": "pod"}, "/"),
        ({"KFP_POD_NAME": "pod", "PIPELINE_LAUNCHER_ROOT": "/tmp/pod"}, "/tmp/pod"),
    ],
)
def test_how_the_launcher_is_found(monkeypatch, variables, root):
    for name in ("KFP_POD_NAME", "PIPELINE_LAUNCHER_ROOT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    found = Launcher.find()
    assert (found and found.root) == root


def test_results_are_what_the_launcher_takes():
    """It reads strictly (component/launcher_v2.go:1232), wants addresses (:813) and no null."""
    written = {
        "artifacts": {
            "blessing": {
                "artifacts": [
                    {
                        "name": "blessing",
                        "uri": "/minio/mlpipeline/v2/taxi/run/Evaluator/3/blessing",
                        "metadata": {
                            "blessed": 1.0,
                            "current_model": "/minio/mlpipeline/v2/taxi/run/Trainer/1/model",
                            "nothing": None,
                            "lists": ["/minio/x"],
                        },
                    }
                ]
            },
            "bare": {"artifacts": [{"name": "bare", "uri": "/minio/mlpipeline/bare"}]},
        },
        "parameterValues": {"number": 1.0},
    }
    adapted = adapt_output(written, POD)
    parsed = from_text(json.dumps(adapted), pipeline_spec_pb2.ExecutorOutput())
    blessing = parsed.artifacts["blessing"].artifacts[0]
    assert blessing.uri == "minio://mlpipeline/v2/taxi/run/Evaluator/3/blessing"
    assert json_format.MessageToDict(blessing.metadata) == {
        "blessed": 1.0,
        "current_model": "minio://mlpipeline/v2/taxi/run/Trainer/1/model",
        "lists": ["/minio/x"],
    }
    assert stored_properties(blessing.metadata.fields)
    assert parsed.artifacts["bare"].artifacts[0].uri == "minio://mlpipeline/bare"
    assert parsed.parameter_values["number"].number_value == 1


def test_a_step_without_outputs_says_so():
    assert adapt_output({}, POD) == {"artifacts": {}}


# Values that a run is given.


def applied(**parameters: Any) -> dict[str, Any]:
    given = {"inputs": {"parameterValues": parameters}, "outputs": {}}
    return apply_overrides(given)["inputs"]["parameterValues"]


def test_a_value_of_the_run_replaces_one_key_of_a_parameter():
    config = json.dumps({"thresholds": {"auc": {"min": 0.5}}, "worst_slice": None})
    found = applied(
        evaluation=config, evaluation__thresholds={"auc": {"min": 0.9}}, code_hash="a_b"
    )
    assert found.keys() == {"evaluation", "code_hash"}
    assert json.loads(found["evaluation"]) == {
        "thresholds": {"auc": {"min": 0.9}}, "worst_slice": None
    }  # fmt: skip
    assert found["code_hash"] == "a_b"


def test_several_values_go_into_the_same_parameter_and_new_keys_are_added():
    found = applied(
        validation='{"stop_at": "error"}',
        validation__stop_at="warning",
        validation__drift={"default": 0.1},
        custom_config="{}",
        custom_config__checkpoint_run="run-1",
    )
    assert json.loads(found["validation"]) == {"stop_at": "warning", "drift": {"default": 0.1}}
    assert json.loads(found["custom_config"]) == {"checkpoint_run": "run-1"}


def test_a_message_without_such_values_stays_as_it_is():
    for given in ({"outputs": {}}, {"inputs": {"parameterValues": {"a_b": "c"}}, "outputs": {}}):
        assert apply_overrides(given) is given


def test_a_value_for_a_parameter_that_is_not_there_is_a_fault_of_the_package():
    with pytest.raises(KeyError, match="nothing"):
        applied(nothing__key=1)


# The run of a training.

SALT = "0b2f7a1e-0d6c-4b57-9d0e-6a2f7a5b1c3d"
RUN = "5f0c3c1e-95f7-4d55-8a8e-1d0f8a0b2c4d"


def training(uri: str, config: str | None) -> dict:
    values = {} if config is None else {"custom_config": config}
    artifacts = {"model": {"artifacts": [{"uri": uri}]}}
    return {"inputs": {"parameterValues": values}, "outputs": {"artifacts": artifacts}}


@pytest.mark.parametrize(
    ("uri", "run"),
    [
        (f"minio://mlpipeline/v2/artifacts/taxi/{RUN}/Trainer/{SALT}/model", RUN),
        (f"/minio/mlpipeline/v2/artifacts/taxi/{RUN}/Trainer/{SALT}/model", RUN),
        (f"s3://bucket/taxi/{RUN}/Trainer/model", RUN),
        ("gs://bucket/root/123456/taxi-20261124/Trainer_-9876/model", "taxi-20261124"),
    ],
    ids=["Kubeflow", "its launcher's folder", "Kubeflow before 2.5", "Vertex AI"],
)
def test_the_run_is_in_the_address_of_each_output(uri, run):
    given = training(uri, '{"checkpoint_dir": "/checkpoints", "train": {}}')
    found = add_checkpoint_run(given)
    assert json.loads(found["inputs"]["parameterValues"]["custom_config"]) == {
        "checkpoint_dir": "/checkpoints",
        "train": {},
        "checkpoint_run": run,
    }
    assert found["outputs"] == given["outputs"]


@pytest.mark.parametrize("config", [None, "", '{"dataset": {}}', "[]", "no JSON"])
def test_steps_without_checkpoints_get_no_run(config):
    given = training(f"minio://b/taxi/{RUN}/Transform/{SALT}/graph", config)
    assert add_checkpoint_run(given) is given
