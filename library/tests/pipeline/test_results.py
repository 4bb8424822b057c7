"""The results of a run, read from the artifacts of the steps that finished."""

from __future__ import annotations

import json

import pytest

from tfxkit.components.evaluator import evaluation
from tfxkit.components.serving_check import RESULT_FILE
from tfxkit.runs.metadata import Artifact
from tfxkit.runs.results import collect


def evaluated(folder, *, blessed):
    folder.mkdir()
    result = evaluation.EvaluationResult({"auc": 0.9}, {}, (), (), {}, (), blessed)
    evaluation.write_evaluation(result, str(folder))
    return {"evaluation": Artifact(1, "ModelEvaluation", str(folder), {})}


def serving_checked(folder, *, blessed):
    folder.mkdir()
    (folder / RESULT_FILE).write_text(json.dumps({"blessed": blessed, "reason": None}))
    return {"blessing": Artifact(2, "InfraBlessing", str(folder), {})}


def test_warnings_of_any_step_are_in_the_summary():
    outputs = {
        "Announce": {"announcement": Artifact(1, "JsonValue", "", {"warning": "Nobody heard."})},
        "Count": {"rows": Artifact(2, "Integer", "", {"is_null": 0})},
    }
    assert collect(outputs) == {"warnings": ("Announce: Nobody heard.",)}


@pytest.mark.parametrize(
    ("evaluator", "serving_check", "unfinished", "blessed"),
    [
        (True, True, set(), True),
        (True, False, set(), False),
        (False, True, set(), False),
        (True, None, set(), True),  # a pipeline without that step
        (True, None, {"ServingCheck", "Pusher"}, None),
        (False, None, {"ServingCheck", "Pusher"}, False),
        (None, None, {"Evaluator", "ServingCheck", "Pusher"}, None),
        (None, True, {"Evaluator"}, None),  # run --from ServingCheck
        (None, False, {"Evaluator"}, False),
    ],
)
def test_a_model_is_blessed_once_every_check_has_finished_and_passed_it(
    tmp_path, evaluator, serving_check, unfinished, blessed
):
    outputs = {}
    if evaluator is not None:
        outputs["Evaluator"] = evaluated(tmp_path / "evaluation", blessed=evaluator)
    if serving_check is not None:
        outputs["ServingCheck"] = serving_checked(tmp_path / "check", blessed=serving_check)
    assert collect(outputs, unfinished).get("blessed") is blessed
