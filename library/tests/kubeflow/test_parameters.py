"""The parameters of a run: which there are, their defaults, and the steps that get them."""

from __future__ import annotations

import json

import pytest

from tests.kubeflow.overlays import load
from tfxkit.kubeflow.parameters import declared_parameters

HANDED_TO = {
    "data_path": ("ExampleGen", "input_base"),
    "spans": ("ExampleGen", "range_config"),
    "stop_at": ("DataGate", "validation__stop_at"),
    "drift": ("DataGate", "validation__drift"),
    "thresholds": ("Evaluator", "evaluation__thresholds"),
    "worst_slice": ("Evaluator", "evaluation__worst_slice"),
}

SHOWN_BY = {name: ("Report", key) for name, (_, key) in HANDED_TO.items() if "__" in key}


@pytest.mark.parametrize("target", ["kubeflow", "vertex"])
def test_each_is_an_input_of_the_pipeline_and_of_its_step(target, compiled):
    spec = compiled(target).spec
    assert declared_parameters(spec).keys() == HANDED_TO.keys()
    for name, (step, key) in (*HANDED_TO.items(), *SHOWN_BY.items()):
        task = spec["root"]["dag"]["tasks"][step]
        assert task["inputs"]["parameters"][key] == {"componentInputParameter": name}
        kind = spec["components"][step]["inputDefinitions"]["parameters"][key]["parameterType"]
        assert kind == declared_parameters(spec)[name]["parameterType"]


def test_the_defaults_are_those_of_the_configuration(compiled):
    parameters = declared_parameters(
        compiled("kubeflow", "data.spans=3", "data.path=s3://bucket/taxi").spec
    )
    dataset = load("kubeflow").dataset
    defaults = {name: parameter["defaultValue"] for name, parameter in parameters.items()}
    assert defaults["data_path"] == "s3://bucket/taxi"
    assert defaults["spans"] == "3"
    assert defaults["stop_at"] == "error"
    assert defaults["thresholds"]["auc"] == {"min": 0.93, "max_worsening": 0.005}
    assert defaults["worst_slice"] == dataset.evaluation.worst_slice.model_dump(exclude_none=True)
    assert defaults["drift"].keys() == dataset.validation.drift.keys()


def test_a_parameter_replaces_a_key_that_its_step_has(compiled):
    tasks = compiled("kubeflow").spec["root"]["dag"]["tasks"]
    for step, key in (*HANDED_TO.values(), *SHOWN_BY.values()):
        parameter, _, part = key.partition("__")
        if part:
            constant = tasks[step]["inputs"]["parameters"][parameter]["runtimeValue"]["constant"]
            assert part in json.loads(constant)


@pytest.mark.parametrize(
    ("setting", "gone"),
    [
        ("dataset.evaluation.worst_slice=null", "worst_slice"),
        ("dataset.validation.drift=null", "drift"),
    ],
)
def test_what_is_not_configured_is_no_parameter(setting, gone, compiled):
    spec = compiled("kubeflow", setting).spec
    assert declared_parameters(spec).keys() == HANDED_TO.keys() - {gone}
    assert gone not in json.dumps(spec["components"])


def test_statistics_of_served_requests_are_a_parameter_and_are_not_opened_here(compiled):
    skew = "{skew: {fare: {jensen_shannon: 0.1}}, serving_statistics: gs://no-such-bucket/stats.pb}"
    spec = compiled("kubeflow", f"dataset.validation={skew}").spec
    assert (
        declared_parameters(spec)["serving_statistics"]["defaultValue"]
        == "gs://no-such-bucket/stats.pb"
    )
    inputs = spec["root"]["dag"]["tasks"]["DataGate"]["inputs"]["parameters"]
    assert inputs["validation__serving_statistics"] == {
        "componentInputParameter": "serving_statistics"
    }
    assert inputs["serving_statistics_hash"] == {"runtimeValue": {"constant": ""}}
