"""Packages that the compiler, Argo and Kubernetes refuse before anything runs."""

import pytest

from tests.kubeflow.emulator.compiler import compile_unchecked, compile_workflow
from tests.kubeflow.emulator.errors import BackendError, NotEmulated
from tests.kubeflow.emulator.package import read
from tests.kubeflow.emulator.protojson import value
from tests.kubeflow.small_packages import Script, spec_of, text_of

ROOT = {
    "path": {"parameterType": "STRING"},
    "limits": {"parameterType": "STRUCT", "defaultValue": {"auc": 0.9}},
    "note": {"parameterType": "STRING", "isOptional": True},
}


def compiled(spec, kubernetes=None, **given):
    values = {name: value(native) for name, native in given.items()}
    return compile_workflow(read(text_of(spec, kubernetes)), values)


def refused(spec, kubernetes=None, **given):
    with pytest.raises(BackendError) as caught:
        compiled(spec, kubernetes, **given)
    return caught.value.message()


def test_dependencies_are_those_named_and_those_of_inputs():
    spec = spec_of(
        {
            "A": Script(makes=["model"]),
            "B": Script(sources={"model": ("A", "model")}, task={"dependentTasks": []}),
            "C": Script(task={"dependentTasks": ["B"]}),
        }
    )

    workflow = compiled(spec)

    assert {name: task.dependencies for name, task in workflow.tasks.items()} == {
        "A": (),
        "B": ("A",),
        "C": ("B",),
    }


def test_parameters_get_defaults_and_null():
    found = compiled(spec_of({"A": Script()}, ROOT), path="x").parameters

    assert found["path"].string_value == "x"
    assert found["limits"].struct_value["auc"] == 0.9
    assert found["note"].WhichOneof("kind") == "null_value"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "parameter path is not optional, yet has neither default value"),
        ({"path": "x", "nope": 1}, "parameter(s) provided are not required by pipeline: nope"),
        ({"path": 1}, "input parameter path requires type string"),
        ({"path": "x", "limits": "{}"}, "input parameter limits requires type struct"),
    ],
)
def test_values_that_do_not_fit_are_refused(given, message):
    text = refused(spec_of({"A": Script()}, ROOT), **given)

    assert text.startswith(
        "Failed to generate the ExecutionSpec: invalid pipeline job inputs: Invalid input error: "
    )
    assert message in text


def with_executor(executor):
    spec = spec_of({"A": Script()})
    spec["deploymentSpec"]["executors"]["A_executor"] = executor
    return spec


def test_a_resolver_is_refused():
    text = refused(with_executor({"resolver": {"outputArtifactQueries": {}}}))

    assert 'executor(label="A_executor"): non-container and non-importer executor not' in text
    assert "Failed to compile job" in text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda spec: spec["deploymentSpec"]["executors"].clear(),
            "not found in deployment config",
        ),
        (lambda spec: spec["components"].clear(), 'cannot find component ref name="A"'),
        (lambda spec: spec["root"]["dag"]["tasks"].clear(), "must contain one or more non-exit"),
        (
            lambda spec: spec["components"]["A"].pop("executorLabel"),
            "unknown component implementation",
        ),
        (
            lambda spec: spec["root"]["dag"]["tasks"]["A"]["inputs"]["parameters"].update(
                x={"taskOutputParameter": {"producerTask": "B_task", "outputParameterKey": "y"}}
            ),
            'unknown producer task "B_task" in DAG',
        ),
    ],
)
def test_a_spec_that_does_not_hang_together_is_refused(change, message):
    spec = spec_of({"A": Script()})
    change(spec)

    assert message in refused(spec)


def test_a_number_where_a_text_belongs_is_refused():
    text = text_of(spec_of({"A": Script(container={"args": ["1e-3"]})}))

    with pytest.raises(BackendError, match="Failed to compile job"):  # PyYAML wrote no quotes
        compile_workflow(read(text), {})


def test_a_condition_on_an_importer_is_refused():
    spec = with_executor({"importer": {"artifactUri": {"constant": "gs://b/x"}, "typeSchema": {}}})
    spec["root"]["dag"]["tasks"]["A"]["triggerPolicy"] = {"condition": "true"}

    assert "triggerPolicy.condition on importer task is not supported" in refused(spec)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("a_b", "templates.root.tasks[0].name: 'a_b-driver' is invalid"),
        ("a.b", "templates.root.tasks[0].name: 'a.b-driver' is invalid"),
        ("1a", "name cannot begin with a digit"),
        ("a" * 122, "must be no more than 128 characters"),
    ],
)
def test_names_that_argo_does_not_take_are_refused(name, message):
    spec = spec_of({name: Script()})

    assert message in refused(spec)
    # A schedule is not shown to Argo until its first run.
    assert name in compile_unchecked(read(text_of(spec)), {}).tasks


def test_an_unknown_dependency_and_a_circle_are_refused():
    missing = spec_of({"A": Script(task={"dependentTasks": ["B"]})})
    circle = spec_of(
        {
            "A": Script(task={"dependentTasks": ["B"]}),
            "B": Script(task={"dependentTasks": ["A"]}),
        }
    )

    assert "tasks.A-driver dependency 'B' not defined" in refused(missing)
    assert "dependency cycle among A, B" in refused(circle)


def test_a_name_that_is_none_of_kubernetes_is_refused():
    assert "RFC 1123" in refused(spec_of({"A": Script()}, name="snake_case"))


def test_an_unknown_label_of_the_platform_document_is_ignored():
    workflow = compiled(spec_of({"A": Script()}), {"Trainer_executor": {}})

    assert workflow.ignored_labels == ("Trainer_executor",)


def test_a_misspelt_setting_of_a_known_label_is_refused():
    text = refused(spec_of({"A": Script()}), {"A_executor": {"imagePulPolicy": "Always"}})

    assert "failed to unmarshal kubernetes config" in text


@pytest.mark.parametrize(
    "task",
    [
        {"triggerPolicy": {"condition": "inputs.parameters['x'] == 1"}},
        {"triggerPolicy": {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"}},
        {"parameterIterator": {"items": {"raw": "[1]"}, "itemInput": "x"}},
    ],
)
def test_what_the_emulator_cannot_do_it_says(task):
    with pytest.raises(NotEmulated):
        compiled(spec_of({"A": Script(task=task)}))
