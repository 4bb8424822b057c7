"""The overlays for clusters that projects start with: complete, right, at one with deploy/."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from template import names
from tests.kubeflow.test_manifests import the
from tests.sample_project import CONFIGS
from tests.template.conftest import REPOSITORY
from tfxkit.config import loading as config
from tfxkit.config.remote import KubeflowSettings, KubernetesStep, VertexSettings, VertexStep

pytestmark = pytest.mark.template
SHIPPED = REPOSITORY / "configs"
SECTIONS = {
    "kubeflow": (KubeflowSettings, KubernetesStep),
    "vertex": (VertexSettings, VertexStep),
}


def with_examples(target: str) -> dict:
    """The file with its commented examples switched on."""
    text = (SHIPPED / f"{target}.yaml").read_text()
    return yaml.safe_load(re.sub(r"(?m)^( *)# ( *(?:- \{|[\w./-]+: ?))", r"\1\2", text))


def kubeflow() -> KubeflowSettings:
    """The section, whatever the data of the base is."""
    tree = yaml.safe_load((SHIPPED / "kubeflow.yaml").read_text())
    return KubeflowSettings.model_validate(tree["kubeflow"])


@pytest.mark.parametrize("target", SECTIONS)
def test_every_key_is_shown(target):
    section, step = SECTIONS[target]
    shown = with_examples(target)[target]
    assert shown.keys() == section.model_fields.keys()
    assert shown["steps"]["all"].keys() | shown["steps"]["Trainer"].keys() == (
        step.model_fields.keys()
    )


@pytest.mark.parametrize("target", SECTIONS)
def test_the_commented_examples_hold_when_they_are_switched_on(target):
    section, _ = SECTIONS[target]
    settings = section.model_validate(with_examples(target)[target])
    assert settings.steps["Trainer"].accelerator.count == 1


@pytest.mark.parametrize("target", SECTIONS)
def test_those_of_the_tests_say_the_same(target):
    def without_name(folder: Path) -> dict:
        settings = config.load(folder, [target])
        section = getattr(settings, target).model_dump()
        return {key: value for key, value in section.items() if key != "image"}

    assert without_name(CONFIGS) == without_name(SHIPPED)


def test_the_claim_that_is_mounted_is_the_one_that_is_made():
    claims = kubeflow().step("Pusher").claims
    [(mounted_at, mount)] = claims.items()
    assert the("PersistentVolumeClaim", mount.claim)
    pod = the("Pod", "copy")["spec"]
    [container] = pod["containers"]
    [volume] = pod["volumes"]
    assert volume["persistentVolumeClaim"]["claimName"] == mount.claim
    assert container["volumeMounts"] == [{"name": volume["name"], "mountPath": mounted_at}]


def test_models_are_served_from_where_they_are_pushed_to():
    settings = kubeflow()
    [(mounted_at, mount)] = settings.step("Pusher").claims.items()
    folder = Path(settings.serving).relative_to(mounted_at)
    served = the("InferenceService", names.REFERENCE["pipeline_name"])
    model = served["spec"]["predictor"]["model"]
    assert model["storageUri"] == f"pvc://{mount.claim}/{folder}"


def test_examples_name_keys_that_the_secret_has():
    used = re.findall(
        r"\{name: object-store, key: ([\w-]+)\}", (SHIPPED / "kubeflow.yaml").read_text()
    )
    assert used
    assert set(used) <= the("Secret", "object-store")["stringData"].keys()
