"""Each setting of a step lands where the backend reads it, for ExampleGen as for any other."""

from __future__ import annotations

import pytest
import yaml

EVERYTHING = yaml.safe_load("""
cpu: {request: 500m, limit: 2}
memory: {request: 1Gi, limit: 4G}
accelerator: {type: nvidia.com/gpu, count: 2}
node_selector: {spot: true}
tolerations:
  - {key: spot, operator: Equal, value: true, effect: NoSchedule}
  - {key: gone, operator: Exists, effect: NoExecute, seconds: 60}
retries: {count: 3, delay_s: 10, factor: 3, give_up_after_s: 7200}
env: {B: 2, A: one}
env_from_secrets: {TOKEN: {name: tracker, key: token, optional: true}}
env_from_config_maps: {REGION: {name: store.settings, key: region}}
secret_volumes: {/etc/tracker: {secret: tracker}}
claims: {/mnt/data: {claim: data, sub_path: taxi}}
empty_dirs: {/dev/shm: {medium: Memory, size: 1Gi}, /scratch: {}}
image_pull_policy: Always
image_pull_secrets: [registry]
labels: {team: ml}
annotations: {sidecar.istio.io/inject: false}
timeout_s: 600
""")
NOTHING = (
    "kubeflow={serving: s3://bucket/serving, checkpoints: s3://bucket/c}",
    "kubeflow.steps=null",
)


def constant(value):
    return {"runtimeValue": {"constant": value}}


@pytest.fixture(params=["ExampleGen", "Trainer"])
def step(request):
    return request.param


@pytest.fixture
def package(step, compiled):
    return compiled("kubeflow", *NOTHING, f"kubeflow.steps.{step}={EVERYTHING}")


def test_resources_in_both_spellings(package, step):
    container = package.spec["deploymentSpec"]["executors"][f"{step}_executor"]["container"]
    assert container["resources"] == {
        "cpuRequest": 0.5,
        "resourceCpuRequest": "500m",
        "cpuLimit": 2.0,
        "resourceCpuLimit": "2",
        "memoryRequest": 1.073741824,
        "resourceMemoryRequest": "1Gi",
        "memoryLimit": 4.0,
        "resourceMemoryLimit": "4G",
        "accelerator": {
            "type": "nvidia.com/gpu",
            "count": "2",
            "resourceType": "nvidia.com/gpu",
            "resourceCount": "2",
        },
    }


def test_environment_after_what_the_package_carries(package, step):
    container = package.spec["deploymentSpec"]["executors"][f"{step}_executor"]["container"]
    names = [variable["name"] for variable in container["env"]]
    assert names == ["PIPELINE_CODE_HASH", "PIPELINE_LIBRARY", "A", "B"]
    assert container["env"][-1] == {"name": "B", "value": "2"}


def test_retries_with_all_four_fields_without_which_argo_tries_nothing_again(package, step):
    assert package.spec["root"]["dag"]["tasks"][step]["retryPolicy"] == {
        "maxRetryCount": 3,
        "backoffDuration": "10s",
        "backoffFactor": 3.0,
        "backoffMaxDuration": "7200s",
    }


def test_what_only_kubernetes_understands(package, step):
    executors = package.platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    assert executors == {
        f"{step}_executor": {
            "nodeSelector": {"labels": {"spot": "true"}},
            "tolerations": [
                {"key": "spot", "operator": "Equal", "value": "true", "effect": "NoSchedule"},
                {
                    "key": "gone",
                    "operator": "Exists",
                    "effect": "NoExecute",
                    "tolerationSeconds": "60",
                },
            ],
            "secretAsEnv": [
                {
                    "secretName": "tracker",
                    "secretNameParameter": constant("tracker"),
                    "keyToEnv": [{"secretKey": "token", "envVar": "TOKEN"}],
                    "optional": True,
                }
            ],
            "configMapAsEnv": [
                {
                    "configMapName": "store.settings",
                    "configMapNameParameter": constant("store.settings"),
                    "keyToEnv": [{"configMapKey": "region", "envVar": "REGION"}],
                    "optional": False,
                }
            ],
            "secretAsVolume": [
                {
                    "secretName": "tracker",
                    "secretNameParameter": constant("tracker"),
                    "mountPath": "/etc/tracker",
                    "optional": False,
                }
            ],
            "pvcMount": [
                {
                    "constant": "data",
                    "pvcNameParameter": constant("data"),
                    "mountPath": "/mnt/data",
                    "subPath": "taxi",
                }
            ],
            "emptyDirMounts": [
                {
                    "volumeName": "empty-dir-1",
                    "mountPath": "/dev/shm",
                    "medium": "Memory",
                    "sizeLimit": "1Gi",
                },
                {"volumeName": "empty-dir-2", "mountPath": "/scratch"},
            ],
            "imagePullPolicy": "Always",
            "imagePullSecret": [
                {"secretName": "registry", "secretNameParameter": constant("registry")}
            ],
            "podMetadata": {
                "labels": {"team": "ml"},
                "annotations": {"sidecar.istio.io/inject": "false"},
            },
            "activeDeadlineSeconds": "600",
        }
    }


def test_a_step_without_settings_has_none(compiled):
    package = compiled("kubeflow", *NOTHING)
    for executor in package.spec["deploymentSpec"]["executors"].values():
        assert "resources" not in executor["container"]
    assert not any("retryPolicy" in task for task in package.spec["root"]["dag"]["tasks"].values())
    assert package.platform == {"platforms": {"kubernetes": {"deploymentSpec": {"executors": {}}}}}


def test_vertex_gets_what_it_reads(compiled):
    package = compiled("vertex", "vertex.steps.ExampleGen={accelerator: {type: NVIDIA_L4}}")
    container = package.spec["deploymentSpec"]["executors"]["ExampleGen_executor"]["container"]
    assert container["resources"]["cpuLimit"] == 2.0
    assert container["resources"]["accelerator"]["type"] == "NVIDIA_L4"
    task = package.spec["root"]["dag"]["tasks"]["ExampleGen"]
    assert task["retryPolicy"]["backoffMaxDuration"] == "3600s"
