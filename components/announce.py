"""Announces the outcome of a run: posts it to a webhook, or appends it to a file.

Announce is off until `steps.announce` in the configuration names a webhook or a file
(docs/running.md). It is also an example of a component of your own; docs/extending.md has a shorter
one.
"""

# No `from __future__ import annotations`: TFX reads the types of the arguments of Announce.
import json
import logging
import os
from datetime import UTC, datetime

# `tfx.v1` has these names as well, but takes seconds to import.
from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types.standard_artifacts import InfraBlessing, JsonValue, ModelEvaluation, PushedModel
from tfxkit.components.evaluator import read_evaluation
from tfxkit.errors import MachineError
from tfxkit.storage.step_cache import never_cached
from tfxkit.storage.step_secrets import needs_secrets

from components.webhook import post

logger = logging.getLogger(__name__)


@never_cached  # an announcement is an effect outside of the artifacts
@needs_secrets("webhook")  # the parameter is a reference to the URL, never the URL itself
@component
def Announce(
    pushed_model: InputArtifact[PushedModel],
    evaluation: InputArtifact[ModelEvaluation],
    announcement: OutputArtifact[JsonValue],
    pipeline: Parameter[str],
    run_id: Parameter[str],
    webhook: Parameter[str],
    format: Parameter[str],
    file: Parameter[str],
    already_served: Parameter[bool],
    required: Parameter[bool],
    serving_blessing: InputArtifact[InfraBlessing] = None,
):
    """Announces that a model was pushed, or the reasons for a refusal.

    The output holds the outcome, and the problems of the announcement. A problem fails the run only
    if `required` is set, since the model has already been pushed or refused.
    """
    event = {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "pipeline": pipeline,
        "run": "" if run_id.startswith("{{") else run_id,  # an old Kubeflow leaves the placeholder
        **describe(pushed_model, evaluation, serving_blessing),
    }
    problems = []
    if event["outcome"] != "already_served" or already_served:
        if webhook:
            problems += post(webhook, format, event)
        if file:
            problems += append(file, event)
    announcement.write({**event, "problems": problems})
    if problems:
        message = f"The outcome of the run was not announced: {'; '.join(problems)}."
        if required:
            raise MachineError(f"{message}\nTry again: python -m pipeline run --from Announce")
        logger.warning(message)
        announcement.set_string_custom_property("warning", message)  # shown at the end of the run


def describe(pushed_model, evaluation, serving_blessing) -> dict:
    """The outcome of the run, from the artifacts of Pusher, Evaluator and ServingCheck."""
    if not pushed_model.get_int_custom_property("pushed"):
        outcome = "not_blessed"
    elif pushed_model.get_int_custom_property("adopted"):
        outcome = "already_served"
    else:
        outcome = "pushed"
    result = read_evaluation(evaluation.uri)
    failed = [check.detail for check in result.checks if not check.passed]
    if serving_blessing and (reason := serving_blessing.get_string_custom_property("reason")):
        failed.append(reason)
    return {
        "outcome": outcome,
        "version": pushed_model.get_string_custom_property("pushed_version"),
        "model": pushed_model.get_string_custom_property("pushed_destination"),
        "failed": failed,
        "passed": [check.detail for check in result.checks if check.passed],
        "metrics": result.metrics,
    }


def append(file, event) -> list[str]:
    """Appends the event to the file as a line of JSON; returns the problem, if any."""
    try:
        with open(os.path.expanduser(file), "a", encoding="utf-8") as log:
            log.write(json.dumps(event) + "\n")
    except OSError as error:
        return [f"{file}: {error.strerror}"]
    return []
