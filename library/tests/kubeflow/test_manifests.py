"""The manifests in deploy/: Kubernetes and KServe take them, and their names agree."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.kubeflow import kubernetes_objects
from tests.sample_project import LIBRARY, ROOT

DEPLOY = ROOT / "deploy"
NOT_KUBERNETES = ("Kustomization", "InferenceService", "FlinkDeployment")
# KServe's own keys, which stand among those of a pod and of a container (kserve 0.21,
# pkg/apis/serving/v1beta1/{component,model,predictor}.go); its package would bring in a web server.
PREDICTOR_KEYS = {
    "model": dict,
    "minReplicas": int,
    "maxReplicas": int,
    "timeout": int,
    "labels": dict,
    "annotations": dict,
}
MODEL_KEYS = {
    "modelFormat": dict,
    "runtime": str,
    "runtimeVersion": str,
    "protocolVersion": str,
    "storageUri": str,
}


def documents(folder: Path) -> list[tuple[Path, dict[str, Any]]]:
    return [
        (path.relative_to(DEPLOY), document)
        for path in sorted(folder.rglob("*.yaml"))
        for document in yaml.safe_load_all(path.read_text())
    ]


ALL = documents(DEPLOY)
OBJECTS = [(path, document) for path, document in ALL if document["kind"] not in NOT_KUBERNETES]
SECRETS = [document for _, document in OBJECTS if document["kind"] == "Secret"]


def the(kind: str, name: str) -> dict[str, Any]:
    [found] = [d for _, d in ALL if (d["kind"], d.get("metadata", {}).get("name")) == (kind, name)]
    return found


@pytest.fixture(scope="module")
def inference_service() -> dict[str, Any]:
    [found] = [document for _, document in ALL if document["kind"] == "InferenceService"]
    return found


@pytest.mark.parametrize(
    ("path", "document"), OBJECTS, ids=[f"{path}-{document['kind']}" for path, document in OBJECTS]
)
def test_kubernetes_takes_every_manifest(path, document):
    assert path.parts[0] in ("kubernetes", "kserve", "flink", "spark")
    kubernetes_objects.check(document)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"accessMode": "ReadWriteMany"}, "has no key accessMode"),
        ({"accessModes": "ReadWriteMany"}, "accessModes cannot be 'ReadWriteMany'"),
        ({"dataSource": {"kind": "VolumeSnapshot"}}, "Invalid value for `name`"),
    ],
)
def test_what_kubernetes_does_not_take_is_noticed(change, message):
    claim = the("PersistentVolumeClaim", "pipeline-data")
    with pytest.raises(ValueError, match=message):
        kubernetes_objects.check({**claim, "spec": {**claim["spec"], **change}})


def test_kserve_takes_the_inference_service(inference_service):
    assert inference_service["apiVersion"] == "serving.kserve.io/v1beta1"
    assert inference_service.keys() == {"apiVersion", "kind", "metadata", "spec"}
    assert inference_service["spec"].keys() == {"predictor"}
    predictor = dict(inference_service["spec"]["predictor"])
    model = dict(predictor["model"])
    for keys, mapping in ((PREDICTOR_KEYS, predictor), (MODEL_KEYS, model)):
        for key in keys.keys() & mapping.keys():
            assert isinstance(mapping.pop(key), keys[key]), key
    # What is left is of the pod, and of the container in it.
    container = {"name": "kserve-container", **model}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": inference_service["metadata"],
        "spec": {**predictor, "containers": [container]},
    }
    kubernetes_objects.check(pod)


@pytest.mark.parametrize("name", ["kubernetes", "kind"])
def test_a_kustomization_names_what_is_there(name):
    folder = DEPLOY / name
    kustomization = yaml.safe_load((folder / "kustomization.yaml").read_text())
    beside = {path.name for path in folder.glob("*.yaml")} - {"kustomization.yaml"}
    assert {each for each in kustomization["resources"] if each.endswith(".yaml")} == beside
    assert all((folder / each).exists() for each in kustomization["resources"])
    for patch in kustomization.get("patches", []):
        patched = the(patch["target"]["kind"], patch["target"]["name"])
        for operation in yaml.safe_load(patch["patch"]):
            value = patched
            for key in operation["path"].strip("/").split("/"):
                value = value[key]
            assert value != operation["value"], "a patch that changes nothing"


def test_the_role_is_that_of_the_service_account_and_grants_nothing_wholesale():
    binding = the("RoleBinding", "pipeline-steps")
    assert the(binding["roleRef"]["kind"], binding["roleRef"]["name"])
    assert all(the(subject["kind"], subject["name"]) for subject in binding["subjects"])
    for rule in the("Role", "pipeline-steps")["rules"]:
        assert "*" not in rule["verbs"] + rule["resources"] + rule["apiGroups"]
        if rule["resources"][0] in ("secrets", "configmaps"):
            assert rule["resourceNames"] and rule["verbs"] == ["get"]


def test_the_copying_pod_is_the_user_of_the_image():
    [user] = re.findall(r"^USER (\d+):\1$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    context = the("Pod", "copy")["spec"]["securityContext"]
    assert {context[key] for key in ("runAsUser", "runAsGroup", "fsGroup")} == {int(user)}


def test_the_model_server_is_of_the_release_that_the_lock_has(inference_service):
    lock = (ROOT / "requirements" / "runtime.txt").read_text()
    [release] = re.findall(r"^tensorflow-serving-api==(\S+)", lock, re.MULTILINE)
    assert inference_service["spec"]["predictor"]["model"]["runtimeVersion"] == release


def test_secrets_are_examples_without_values_and_are_not_applied_with_the_rest():
    assert SECRETS
    for secret in SECRETS:
        assert "data" not in secret
        assert set(secret["stringData"].values()) == {"fill-in"}
    folders = {path.parent.name for path, document in OBJECTS if document["kind"] == "Secret"}
    assert folders == {"examples"}


def test_examples_in_the_docs_name_keys_that_the_secret_has():
    text = (LIBRARY / "docs" / "kubeflow.md").read_text()
    used = re.findall(r"\{name: object-store, key: ([\w-]+)\}", text)
    assert used
    assert set(used) <= the("Secret", "object-store")["stringData"].keys()


def test_the_model_server_is_given_its_secret():
    [reference] = the("ServiceAccount", "model-server")["secrets"]
    # The names that KServe looks for: kserve 0.21, config/configmap/inferenceservice.yaml.
    keys = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
    assert the("Secret", reference["name"])["stringData"].keys() == keys
