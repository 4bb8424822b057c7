"""The overlay for Flink and Spark: it compiles, and fits the manifests of deploy/."""

from __future__ import annotations

import re
import shutil
from typing import Any

import pytest
import yaml

from tests.kubeflow import kubernetes_objects
from tests.kubeflow.test_compile import containers_of
from tests.sample_project import CONFIGS, ROOT
from tfxkit.config import loading as config
from tfxkit.config.loading import Config, ConfigError
from tfxkit.kubeflow.container import Launcher
from tfxkit.kubeflow.runners import kubeflow

DEPLOY = ROOT / "deploy"
ENGINES = ("flink", "spark")
BEAM_STEPS = {"ExampleGen", "StatisticsGen", "Transform", "Evaluator"}


@pytest.fixture
def load(tmp_path):
    shutil.copytree(CONFIGS, tmp_path / "configs")
    shutil.copy(ROOT / "configs" / "kubeflow-engine.yaml", tmp_path / "configs")

    def load(*settings: str) -> Config:
        overlays = ["kubeflow", "kubeflow-engine"]
        return config.load(tmp_path / "configs", overlays, settings)

    return load


def documents(engine: str) -> list[dict[str, Any]]:
    found = [
        document
        for path in sorted((DEPLOY / engine).glob("*.yaml"))
        for document in yaml.safe_load_all(path.read_text())
    ]
    assert found
    return found


def the(documents: list[dict[str, Any]], kind: str, name: str) -> dict[str, Any]:
    [found] = [d for d in documents if (d["kind"], d["metadata"]["name"]) == (kind, name)]
    return found


def pods(engine: str) -> list[dict[str, Any]]:
    """The pods of an engine's manifests."""
    found = []
    for document in documents(engine):
        if document["kind"] == "Deployment":
            found.append(document["spec"]["template"])
        elif document["kind"] == "FlinkDeployment":
            found.append(document["spec"]["taskManager"]["podTemplate"])
    return found


@pytest.mark.parametrize("engine", ENGINES)
def test_it_compiles(load, engine):
    found = load(f"beam.engine={engine}")
    package = kubeflow.compile_package(found, CONFIGS)
    endpoint = f"--job_endpoint={engine}-job-server:8099"
    told = {step for step, one in containers_of(package).items() if endpoint in one["args"]}
    assert told == BEAM_STEPS


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("step", sorted(BEAM_STEPS))
def test_a_step_whose_artifacts_the_workers_would_not_see_is_refused(load, engine, step):
    found = load(
        f"beam.engine={engine}", f"kubeflow.steps.{step}.claims={{/minio/mlpipeline: null}}"
    )
    with pytest.raises(ConfigError, match=rf"{step} sends its work to {engine}, .*/minio/mlpip"):
        kubeflow.compile_package(found, CONFIGS)


def test_dataflow_is_refused_where_there_is_no_cloud_storage(load):
    section = (
        "beam.dataflow={project: my-project, region: europe-west1, temp_location: 'gs://b/t', "
        "sdk_container_image: eu.gcr.io/my-project/sdk:1}"
    )
    with pytest.raises(ConfigError, match=r"kubeflow.pipeline_root: 'minio:.* Dataflow needs gs:"):
        kubeflow.compile_package(load("beam.engine=dataflow", section), CONFIGS)
    places = ("kubeflow.pipeline_root=gs://bucket/root", "data.path=gs://bucket/data")
    package = kubeflow.compile_package(load("beam.engine=dataflow", section, *places), CONFIGS)
    containers = containers_of(package)
    told = {step for step, one in containers.items() if "--runner=DataflowRunner" in one["args"]}
    assert told == BEAM_STEPS


@pytest.mark.parametrize("engine", ENGINES)
def test_the_job_server_is_where_the_overlay_says(load, engine):
    section = getattr(load().beam, engine)
    service = the(documents(engine), "Service", f"{engine}-job-server")
    ports = {port["name"]: port["port"] for port in service["spec"]["ports"]}
    assert section.job_endpoint == f"{engine}-job-server:{ports['jobs']}"
    assert section.artifact_endpoint == f"{engine}-job-server:{ports['artifacts']}"
    server = the(documents(engine), "Deployment", f"{engine}-job-server")
    [container] = server["spec"]["template"]["spec"]["containers"]
    assert f"--job-port={ports['jobs']}" in container["args"]
    assert f"--artifact-port={ports['artifacts']}" in container["args"]
    assert server["spec"]["template"]["metadata"]["labels"] == service["spec"]["selector"]


@pytest.mark.parametrize("engine", ENGINES)
def test_workers_are_of_the_image_and_see_what_steps_see(load, engine):
    found = load(f"beam.engine={engine}")
    [pod] = [pod for pod in pods(engine) if len(pod["spec"]["containers"]) > 1]
    [pool] = [one for one in pod["spec"]["containers"] if one["name"] == "worker-pool"]
    shipped = yaml.safe_load((ROOT / "configs" / "kubeflow.yaml").read_text())
    assert pool["image"] == shipped["kubeflow"]["image"]
    assert f"--port={getattr(found.beam, engine).worker_pool.partition(':')[2]}" in pool["command"]
    claims = {
        volume["name"]: volume["persistentVolumeClaim"]["claimName"]
        for volume in pod["spec"]["volumes"]
    }
    mounted = {one["mountPath"]: claims[one["name"]] for one in pool["volumeMounts"]}
    for step in BEAM_STEPS:
        claimed = found.kubeflow.step(step).claims
        assert mounted == {path: claim.claim for path, claim in claimed.items()}
    root = Launcher("/").to_local(found.kubeflow.pipeline_root)
    assert any(f"{root}/".startswith(f"{path}/") for path in mounted)


def test_as_many_workers_as_slots(load):
    found = load().beam
    flink = the(documents("flink"), "FlinkDeployment", "pipeline-flink")["spec"]
    slots = int(flink["flinkConfiguration"]["taskmanager.numberOfTaskSlots"])
    assert slots == found.flink.sdk_workers
    assert slots * flink["taskManager"]["replicas"] == found.flink.parallelism
    worker = the(documents("spark"), "Deployment", "spark-worker")["spec"]["template"]["spec"]
    args = worker["containers"][0]["args"]
    assert int(args[args.index("--cores") + 1]) == found.spark.sdk_workers


def test_the_versions_of_beam_are_that_of_the_lock():
    lock = (ROOT / "requirements" / "runtime.txt").read_text()
    [version] = re.findall(r"^apache-beam==(\S+)", lock, re.MULTILINE)
    texts = [path.read_text() for path in DEPLOY.rglob("*") if path.is_file()]
    found = [tag for text in texts for tag in re.findall(r"apache/beam_[\w.]+:([\d.]+)", text)]
    assert len(found) == 4
    assert set(found) == {version}


@pytest.mark.parametrize("engine", ENGINES)
def test_kubernetes_takes_the_pods(engine):
    for pod in pods(engine):
        spec = {**pod["spec"], "containers": [dict(one) for one in pod["spec"]["containers"]]}
        for container in spec["containers"]:
            container.setdefault("image", "of the operator")
        document = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": spec}
        kubernetes_objects.check(document)


def test_the_operator_takes_the_flink_deployment():
    """Keys of flink-kubernetes-operator 1.x, docs/custom-resource/reference.md."""
    flink = the(documents("flink"), "FlinkDeployment", "pipeline-flink")
    assert flink["apiVersion"] == "flink.apache.org/v1beta1"
    spec = flink["spec"]
    assert spec.keys() == {
        "image", "flinkVersion", "mode", "serviceAccount", "flinkConfiguration", "jobManager",
        "taskManager",
    }  # fmt: skip
    assert spec["mode"] in ("native", "standalone")
    assert re.fullmatch(r"v\d_\d+", spec["flinkVersion"])
    assert all(isinstance(value, str) for value in spec["flinkConfiguration"].values())
    assert spec["jobManager"].keys() == {"resource"}
    assert spec["taskManager"].keys() == {"replicas", "resource", "podTemplate"}
    for part in ("jobManager", "taskManager"):
        assert spec[part]["resource"].keys() == {"cpu", "memory"}
    names = [one["name"] for one in spec["taskManager"]["podTemplate"]["spec"]["containers"]]
    assert names[0] == "flink-main-container"
