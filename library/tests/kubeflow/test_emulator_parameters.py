"""Parameters: how they reach a step, and how they leave it."""

import pytest

from tests.kubeflow.small_packages import SHOW, Script, shown


def test_parameters_are_typed_and_defaulted(run_scripts):
    script = Script(
        SHOW,
        constants={"number": 5, "text": {"a": 1}, "id": "{{$.pipeline_job_uuid}}", "in": "{{$.x}}"},
        inputs={"limits": "limits", "note": "note", "path": "path"},
        types={
            "number": "NUMBER_INTEGER",
            "limits": "STRUCT",
            "note": {"parameterType": "STRING", "isOptional": True, "defaultValue": "a note"},
            "left_out": {"parameterType": "STRING", "defaultValue": "never seen"},
        },
    )
    root = {
        "limits": {"parameterType": "STRUCT", "defaultValue": {"auc": 0.9}},
        "note": {"parameterType": "STRING", "isOptional": True},
        "path": {"parameterType": "STRING", "defaultValue": "gs://old"},
    }

    found = run_scripts({"A": script}, root, given={"path": "gs://new"})

    assert found.state == "SUCCEEDED"
    assert shown(found)["inputs"]["parameterValues"] == {
        "number": 5,
        "text": '{"a":1}',  # everything turns to text where text is declared
        "id": found.id,
        "in": "{{$.x}}",
        "limits": {"auc": 0.9},
        "note": "a note",  # null is left out, and the launcher fills in the default
        "path": "gs://new",
        "left_out": "",  # not optional and not given: the default is not looked at
    }


def test_a_whole_number_is_written_without_a_fraction(run_scripts):
    script = Script("print(sys.argv[1])", constants={"n": 5}, types={"n": "NUMBER_DOUBLE"})

    assert '"n":5}' in run_scripts({"A": script}).log("A")


@pytest.mark.parametrize(
    ("script", "failure"),
    [
        (Script(constants={"n": "5"}, types={"n": "NUMBER_INTEGER"}), "type mismatch: expect"),
        (Script(types={"n": "STRING"}), "neither value nor default value provided"),
        (Script(inputs={"n": "nothing"}), "parent DAG does not have input parameter nothing"),
        (
            Script(task={"inputs": {"parameters": {"n": {"runtimeValue": {"constantValue": {}}}}}}),
            "param runtime value spec of this type not implemented",
        ),
    ],
)
def test_a_driver_fails_and_its_step_is_never_run(run_scripts, script, failure):
    found = run_scripts({"A": script})

    assert found.state == "FAILED"
    assert failure in found.failures["A"]
    assert [(node.name, node.phase) for node in found.nodes.all()][-2:] == [
        ("A-driver", "Failed"),
        ("A", "Omitted"),
    ]


def test_a_null_of_the_root_is_no_value(run_scripts):
    root = {"note": {"parameterType": "STRING", "isOptional": True}}

    found = run_scripts({"A": Script(inputs={"note": "note"})}, root)

    assert "the resolved input parameter is null" in found.failures["A"]


def test_output_parameters_come_from_files_or_from_the_answer(run_scripts):
    write = """
    for name, text in (("n", "7"), ("l", "[1, 2]")):
        with open(given["outputs"]["parameters"][name]["outputFile"], "w") as file:
            file.write(text)
    answer(parameterValues={"t": "from the answer"})
    """
    task = {"inputs": {"parameters": {}}}
    for name in ("n", "l", "t"):
        output = {"producerTask": "A", "outputParameterKey": name}
        task["inputs"]["parameters"][name] = {"taskOutputParameter": output}
    scripts = {
        "A": Script(write, gives={"n": "NUMBER_INTEGER", "l": "LIST", "t": "STRING"}),
        "B": Script(SHOW, types={"n": "NUMBER_INTEGER", "l": "LIST"}, task=task),
    }

    assert shown(run_scripts(scripts), "B")["inputs"]["parameterValues"] == {
        "n": 7,
        "l": [1, 2],
        "t": "from the answer",
    }


def test_an_output_parameter_that_was_not_written_fails_the_step(run_scripts):
    found = run_scripts({"A": Script(gives={"n": "NUMBER_INTEGER"})})

    assert "failed to read output parameter name=" in found.failures["A"]


def test_placeholders_in_arguments_are_filled_in(run_scripts):
    script = Script(
        "print(sys.argv[2:])",
        constants={"n": 5, "l": [1]},
        types={"n": "NUMBER_INTEGER", "l": "LIST"},
        makes=["model"],
        container={
            "args": [
                "{{$}}",
                "--n={{$.inputs.parameters['n']}}",
                "{{$.inputs.parameters['l']}}",
                "{{$.outputs.artifacts['model'].uri}}",
                "$(GREETING)$(UNKNOWN)$$",
                "{{$.json_escape[1]}}",
            ],
            "env": [{"name": "GREETING", "value": "hello"}],
        },
    )

    found = run_scripts({"A": script})

    uri = found.artifact("A", "model").uri
    expected = ["--n=5", "[1]", uri, "hello$(UNKNOWN)$", "{{$.json_escape[1]}}"]
    assert found.log("A") == f"{expected}\n"
