"""Packages that the API server accepts."""

import pytest
import yaml

from tests.kubeflow.emulator.errors import BackendError, NotEmulated
from tests.kubeflow.emulator.package import read
from tests.kubeflow.small_packages import Script, spec_of, text_of

SPEC = spec_of({"A": Script()})


def test_a_spec_and_a_platform_document_are_read():
    package = read(text_of(SPEC, {"A_executor": {"imagePullPolicy": "Always"}}))

    assert package.spec.pipeline_info.name == "small"
    assert list(package.platform.platforms["kubernetes"].deployment_spec.executors) == [
        "A_executor"
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schemaVersion": "2.0.0"}, "KFP only supports schema version 2.1.0, but .* 2.0.0"),
        ({"schemaVersion": ""}, "KFP only supports schema version 2.1.0"),
        ({"pipelineInfo": {"name": ""}}, "unknown template format"),
        ({"root": None}, "unknown template format"),
        ({"pipelineInfo": {"name": "___"}}, "name should consist of lower case"),
        ({"unknownField": 1}, "unknown template format"),
    ],
)
def test_a_spec_that_is_not_right_is_refused(change, message):
    with pytest.raises(BackendError, match=message):
        read(text_of(SPEC | change))


def test_a_pipeline_job_is_no_package():
    with pytest.raises(BackendError, match="unknown template format"):
        read(yaml.safe_dump({"pipelineSpec": SPEC, "runtimeConfig": {}}))


def test_two_specs_are_refused():
    with pytest.raises(BackendError, match="multiple pipeline specs provided"):
        read(text_of(SPEC) + "\n---\n" + text_of(SPEC))


def test_what_is_no_yaml_is_refused():
    with pytest.raises(BackendError, match="unable to decode yaml document"):
        read("a: [")


def test_a_platform_document_with_one_wrong_field_is_dropped_without_a_word():
    text = text_of(SPEC, {"A_executor": {"imagePullPolicy": "Always"}})

    first, second = text.split("---")

    assert read(text).platform is not None
    assert read(f"{first}---{second.replace('deploymentSpec', 'deploymentSpce')}").platform is None


def test_an_argo_workflow_is_not_emulated():
    with pytest.raises(NotEmulated):
        read("apiVersion: argoproj.io/v1alpha1\nkind: Workflow\n")


@pytest.mark.parametrize(
    ("written", "read_as"),
    [("1e-3", 0.001), ("042e6", 42e6), ("1e999", "1e999"), ("yes", "yes"), ("true", True)],
)
def test_plain_words_are_read_as_go_reads_them(written, read_as):
    # PyYAML takes 1e-3 for text, so it writes such a text without quotes; to Go it is a number.
    text = text_of(SPEC).replace("image: registry.example.com/small:1", f"image: {written}")

    executor = read(text).spec.deployment_spec["executors"]["A_executor"]

    assert executor["container"]["image"] == read_as


def test_infinity_is_no_json():
    text = text_of(SPEC).replace("image: registry.example.com/small:1", "image: .inf")

    with pytest.raises(BackendError, match="unknown template format"):
        read(text)
