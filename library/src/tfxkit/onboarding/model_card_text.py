"""The text of `configs/model_card.yaml` for a new data set: what is known from the data alone."""

from __future__ import annotations

from tfxkit.config.dataset import Task
from tfxkit.onboarding.dataset_text import scalar
from tfxkit.onboarding.plan import Plan

_PREDICTS = {
    Task.BINARY: "The probability that {label} is the positive value",
    Task.MULTICLASS: "The probability of each value of {label}",
    Task.REGRESSION: "The value of {label}",
}


def text(decided: Plan, name: str) -> str:
    """The text of model_card.yaml.

    Args:
        decided: What is known about the data.
        name: Of the pipeline.
    """
    label, task = decided.target.label.column, decided.target.task
    predicts = _PREDICTS[task].format(label=label)
    columns = len(decided.columns) - 1
    data = f"{decided.label.rows:,} rows of {columns} columns and the label, as init found them."
    return f"""\
# What the report of a run says about the model beside its numbers. No step reads this file, so a
# better sentence makes no model anew. Keys that say nothing yet: owners, intended_use,
# not_intended_for, limits, ethical_considerations (lists of sentences), licence.

title: {scalar(name)}
description: {scalar(f"{predicts}, from the other columns of the data.")}
data: {scalar(data)}
"""
