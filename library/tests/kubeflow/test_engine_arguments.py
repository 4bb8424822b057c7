"""Beam's arguments in a package: for each data step the engine's, for other steps none."""

from __future__ import annotations

import pytest

from tests.kubeflow.overlays import load
from tests.kubeflow.test_compile import containers_of
from tests.sample_project import ROOT
from tfxkit.kubeflow import TARGETS
from tfxkit.kubeflow.checks import find_problems
from tfxkit.runs.run_log import QUIET

DATA_STEPS = {"ExampleGen", "StatisticsGen", "Transform", "Evaluator"}
BULK_STEPS = {"UnlabelledExampleGen", "BulkInferrer"}
PLACES = {
    # Kubeflow's steps and the workers mount the same volume where its launcher puts artifacts.
    "kubeflow": (
        "kubeflow.steps.all.claims={/minio/mlpipeline: {claim: scratch}}",
        "kubeflow.serving=gs://bucket/serving",
        "kubeflow.checkpoints=gs://bucket/checkpoints",
        "data.path=gs://bucket/taxi",
    ),
    "vertex": (),
}
FLINK = (
    "beam.engine=flink",
    "beam.flink={job_endpoint: 'flink:8099', artifact_endpoint: 'flink:8098', "
    "worker_pool: 'localhost:50001', sdk_workers: 2, parallelism: 4}",
)
DATAFLOW = (
    "beam.engine=dataflow",
    "beam.dataflow={project: acme, region: europe-west4, temp_location: 'gs://bucket/temp', "
    "sdk_container_image: europe-west4-docker.pkg.dev/acme/pipelines/taxi-dataflow:1}",
)
ON_CLOUD_STORAGE = {"kubeflow": ("kubeflow.pipeline_root=gs://bucket/root",), "vertex": ()}
OF_TFX = {
    "--executor_class_path",
    "--json_serialized_invocation_args",
    "--json_serialized_inputs_spec_args",
}
BULK = "bulk_inferrer={enabled: true, path: gs://bucket/unlabelled}"


def told(container: dict) -> list[str]:
    """Arguments after those of TFX's entrypoint, each a flag with a value."""
    args: list[str] = container["args"]
    own = 2 * len(OF_TFX)
    assert set(args[:own:2]) == OF_TFX
    return args[own:]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("bulk", [False, True], ids=["as it is", "with BulkInferrer"])
@pytest.mark.parametrize("engine", [FLINK, DATAFLOW, ()], ids=["flink", "dataflow", "direct"])
def test_the_data_steps_and_no_other_are_told_of_the_engine(target, engine, bulk, compiled):
    settings = [*PLACES[target], *engine, *([BULK] if bulk else [])]
    settings += ON_CLOUD_STORAGE[target] if engine is DATAFLOW else ()
    package = compiled(target, *settings)
    assert find_problems(package, target) == []
    expected = load(target, *settings).beam.pipeline_args()
    assert len(expected) >= 4
    given = {step: told(container) for step, container in containers_of(package).items()}
    of_beam = DATA_STEPS | (BULK_STEPS if bulk else set())
    assert given == {step: expected if step in of_beam else [] for step in given}
    assert of_beam < given.keys()


@pytest.mark.parametrize("target", TARGETS)
def test_where_the_data_is_not_known_auto_is_one_process(target, compiled):
    containers = containers_of(compiled(target, *PLACES[target], "beam.mode=auto"))
    assert "--direct_running_mode=in_memory" in told(containers["Transform"])
    assert "--direct_num_workers=1" in told(containers["Transform"])


def test_workers_of_dataflow_compute_as_the_steps_do():
    lines = (ROOT / "deploy" / "dataflow" / "Dockerfile").read_text().splitlines()
    name = "TF_ENABLE_ONEDNN_OPTS"
    assert f"ENV {name}={QUIET[name]}" in lines
