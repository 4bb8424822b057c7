"""The sections of the backends: `all` is inherited, mistakes are named."""

from __future__ import annotations

import pytest
import yaml

from tests.kubeflow.overlays import load
from tfxkit.config.formats import cores, gigabytes
from tfxkit.config.loading import ConfigError

TRAINER = "kubeflow.steps.Trainer"


def test_what_config_show_prints_loads_back_to_the_same():
    config = load("kubeflow", f"{TRAINER}.claims=null", "kubeflow.steps.all.cache=true")
    assert type(config).model_validate(yaml.safe_load(config.to_yaml())) == config


def test_a_section_that_is_not_there_is_not_shown():
    assert not {"kubeflow", "vertex"} & yaml.safe_load(load("local").to_yaml()).keys()


def test_settings_of_all_lie_under_those_of_a_step():
    section = load(
        "kubeflow",
        "kubeflow.steps.all.cpu={request: 1, limit: 2}",
        "kubeflow.steps.all.env={A: one, B: two}",
        "kubeflow.steps.all.tolerations=[{key: spot, operator: Exists}]",
        f"{TRAINER}.cpu={{limit: 8}}",
        f"{TRAINER}.env={{B: three}}",
        f"{TRAINER}.claims=null",
        f"{TRAINER}.tolerations=[]",
    ).kubeflow
    trainer, other = section.step("Trainer"), section.step("Transform")
    assert (trainer.cpu.request, trainer.cpu.limit) == ("1", "8")
    assert trainer.env == {"A": "one", "B": "three"}
    assert trainer.claims is None and trainer.tolerations == ()
    assert other.cpu.limit == "2" and other.claims and len(other.tolerations) == 1


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("kubeflow.imgae=x", "kubeflow.imgae: unknown key; did you mean image?"),
        (f"{TRAINER}.cpus=1", "did you mean cpu?"),
        (f"{TRAINER}.cpu.limits=1", "did you mean limit?"),
        (f"{TRAINER}.cpu.limit=2 cores", "write cores, such as 2 or 0.5"),
        (f"{TRAINER}.cpu.limit=0", "write cores"),
        (f"{TRAINER}.cpu={{request: 3, limit: 2500m}}", "cpu.request 3 is above cpu.limit 2500m"),
        (f"{TRAINER}.cpu={{request: 1500m, limit: 1}}", "is above cpu.limit"),
        (
            "kubeflow.steps.DataGate.cpu={request: 9}",
            "DataGate, with the settings of all: cpu.request 9",
        ),
        (f"{TRAINER}.memory.limit=4", "write a number and its unit"),
        (f"{TRAINER}.memory.limit=4gb", "write a number and its unit"),
        (f"{TRAINER}.memory={{request: 4Gi, limit: 4G}}", "memory.request 4Gi is above"),
        (f"{TRAINER}.accelerator={{type: NVIDIA_TESLA_T4}}", "such as nvidia.com/gpu"),
        (f"{TRAINER}.accelerator={{type: nvidia.com/gpu, count: 0}}", "accelerator.count: "),
        (f"{TRAINER}.env={{MY-NAME: x}}", "letters, digits and _"),
        (f"{TRAINER}.env={{PIPELINE_SCHEMA: x}}", "are set by the pipeline itself"),
        (f"{TRAINER}.env={{KFP_POD_NAME: x}}", "are set by the pipeline itself"),
        (f"{TRAINER}.env={{A: [x]}}", "env.A: "),
        (
            f"{TRAINER}={{env: {{A: x}}, env_from_secrets: {{A: {{name: s, key: k}}}}}}",
            "environment variable A is given twice",
        ),
        (f"{TRAINER}.env_from_secrets={{A: {{name: My_Secret, key: k}}}}", "lower-case letters"),
        (f"{TRAINER}.env_from_secrets={{A: {{name: s, key: a b}}}}", "env_from_secrets.A.key: "),
        (f"{TRAINER}.env_from_secrets={{A: the-secret-itself}}", "env_from_secrets.A: "),
        (
            f"{TRAINER}.secret_volumes={{/etc/x: {{secret: a.b}}}}",
            "the name of a mounted object has",
        ),
        (f"{TRAINER}.claims={{data: {{claim: c}}}}", "write an absolute folder of the container"),
        (f"{TRAINER}.claims={{/: {{claim: c}}}}", "write an absolute folder of the container"),
        (f"{TRAINER}.claims={{/s3: {{claim: c}}}}", "Kubeflow mounts /gcs, /s3"),
        (f"{TRAINER}.claims={{/.cache/x: {{claim: c}}}}", "Kubeflow mounts /gcs, /s3"),
        (f"{TRAINER}.empty_dirs={{/mnt/pipeline: {{}}}}", "folder /mnt/pipeline is given twice"),
        (f"{TRAINER}.secret_volumes={{/x: {{secret: pipeline-data}}}}", "pipeline-data is given"),
        (f"{TRAINER}.empty_dirs={{/dev/shm: {{medium: RAM}}}}", "medium: "),
        (f"{TRAINER}.tolerations=[{{key: a, operator: Exists, value: b}}]", "takes no value"),
        (f"{TRAINER}.tolerations=[{{value: b}}]", "operator Equal needs a key"),
        (f"{TRAINER}.tolerations=[{{key: a, seconds: 5}}]", "seconds are for the effect NoExecute"),
        (f"{TRAINER}.tolerations=[{{key: a, effect: Never}}]", "effect: "),
        (f"{TRAINER}.retries={{count: 1, factor: 1.5}}", "retries.factor: "),
        (f"{TRAINER}.retries={{times: 1}}", "retries.times: unknown key"),
        (f"{TRAINER}.labels={{team: the ml team}}", "a label's value has at most 63"),
        (f"{TRAINER}.labels={{the team: ml}}", "a label is named like team"),
        (f"{TRAINER}.node_selector={{a/b/c: x}}", "lower-case letters"),
        (f"{TRAINER}.annotations={{-x: x}}", "a label is named like team"),
        (f"{TRAINER}.image_pull_policy=Sometimes", "image_pull_policy: "),
        (f"{TRAINER}.timeout_s=0", "timeout_s: "),
        ("kubeflow.image=two words", "write the image with its registry"),
        ("kubeflow.image=https://example.com/x", "write the image with its registry"),
        ("kubeflow.pipeline_root=/mnt/pipeline/root", "minio://mlpipeline/v2/artifacts"),
        ("kubeflow.pipeline_root=azfs://account/container", "Kubeflow keeps artifacts under"),
        ("kubeflow.serving=outputs/serving_model", "absolute folder of a mounted volume"),
        ("kubeflow.serving=minio://bucket/serving", "AWS_ENDPOINT_URL"),
        ("kubeflow.checkpoints=~/checkpoints", "absolute folder of a mounted volume"),
        ("kubeflow.host=localhost:8080", "http://localhost:8080"),
        ("kubeflow.namespace=My Team", "lower-case letters"),
    ],
)
def test_what_makes_no_sense_on_kubeflow_is_refused(setting, told):
    with pytest.raises(ConfigError) as error:
        load("kubeflow", setting)
    assert told in str(error.value) and "Value error" not in str(error.value)


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("vertex.steps.Trainer.node_selector={a: b}", "node_selector is for pods of Kubernetes"),
        ("vertex.steps.all.timeout_s=5", "timeout_s is for pods of Kubernetes"),
        ("vertex.steps.Trainer.cpu={request: 1}", "cpu.request is for pods of Kubernetes"),
        ("vertex.steps.Trainer.memory={request: 1Gi, limit: 2Gi}", "memory.request is for pods"),
        ("vertex.steps.Trainer.gpu=1", "vertex.steps.Trainer.gpu: unknown key"),
        ("vertex.steps.Trainer.accelerator={type: nvidia.com/gpu}", "such as NVIDIA_TESLA_T4"),
        ("vertex.steps.Trainer.retries={count: 1, give_up_after_s: 7200}", "give_up_after_s: "),
        ("vertex.pipeline_root=s3://bucket/root", "gs://bucket/path only"),
        ("vertex.serving=/mnt/serving", "gs://bucket/path only"),
        ("vertex.service_account=runner", "service_account: "),
        ("vertex.network=default", "network: "),
        ("vertex.encryption_key=key", "encryption_key: "),
    ],
)
def test_what_makes_no_sense_on_vertex_is_refused(setting, told):
    with pytest.raises(ConfigError) as error:
        load("vertex", setting)
    assert told in str(error.value)


@pytest.mark.parametrize(
    "location", ["gs://bucket", "s3://bucket/a/b", "/mnt/data", "/mnt/data/", "gs://b/with-slash/"]
)
def test_a_location_is_an_address_or_an_absolute_folder(location):
    assert load("kubeflow", f"kubeflow.serving={location}").kubeflow.serving == location


def test_a_store_may_come_with_its_endpoint():
    root = "s3://bucket/root?endpoint=http://minio:9000&region=us-east-1"
    assert load("kubeflow", f"kubeflow.pipeline_root={root}").kubeflow.pipeline_root == root


@pytest.mark.parametrize(("text", "number"), [("2", 2), ("0.5", 0.5), ("250m", 0.25)])
def test_cores(text, number):
    assert cores(text) == number


@pytest.mark.parametrize(("text", "number"), [("4G", 4), ("500M", 0.5), ("4Gi", 4.294967296)])
def test_gigabytes(text, number):
    assert gigabytes(text) == pytest.approx(number)
