"""The model in the project's README: task, columns in use and metrics of the first pushed run.

A new project has two marks in its README with nothing between them. The first run of the default
configuration that pushes a model writes there, once. A README without the marks, or with a text
between them, stays as it is.
"""

from __future__ import annotations

import logging
import os
import re
from datetime import datetime
from pathlib import Path
from typing import Any

from tfxkit.config.dataset import Dataset, Role, Task
from tfxkit.config.selection import ConfigSelection
from tfxkit.evaluation import COUNTS
from tfxkit.report import formatting
from tfxkit.runs.summary import Status, Summary

logger = logging.getLogger(__name__)

FILE = "README.md"
_EMPTY = re.compile(r"(<!-- model:[^>\n]*-->\n)\s*(<!-- end of model -->)")
_TASKS = {
    Task.BINARY: "Binary classification",
    Task.MULTICLASS: "Multiclass classification",
    Task.REGRESSION: "Regression",
}


def is_project_model(project: Path, summary: Summary, selection: ConfigSelection) -> bool:
    """True for a pushed model of the project's own configuration, with no value changed by options.

    A run of an overlay for trials, of single values or of another folder pushes another model.
    """
    config_dir = summary.arguments.get("config_dir")
    return (
        summary.status is Status.PUSHED
        and selection == ConfigSelection()
        and config_dir is not None
        and Path(config_dir).parent == project.resolve()
    )


def fill_in(project: Path, summary: Summary, selection: ConfigSelection) -> bool:
    """Writes the project's model into the README of the project, atomically.

    Never raises for a README that is missing, unreadable or read-only: a log line says why nothing
    was written.

    Args:
        project: The project's folder.
        summary: Of a run that has ended.
        selection: The configuration of the run, as the user chose it.

    Returns:
        True if the README was changed.
    """
    if not is_project_model(project, summary, selection) or not summary.config.get("dataset"):
        return False
    file = project / FILE
    try:
        text = file.read_bytes().decode("utf-8")
        end = "\r\n" if "\r\n" in text else "\n"
        plain = text.replace("\r\n", "\n")
        if len(_EMPTY.findall(plain)) != 1:
            return False
        section = describe_model(summary)
        plain = _EMPTY.sub(lambda marks: f"{marks[1]}\n{section}\n{marks[2]}", plain)
        _replace(file, plain.replace("\n", end).encode())
    except (OSError, UnicodeError, ValueError) as error:
        logger.warning("%s is left as it is: %s", file, error)
        return False
    return True


def describe_model(summary: Summary) -> str:
    """Markdown about the model of a run: task, metrics, columns in use.

    Raises:
        pydantic.ValidationError: If the description of the data in the summary is not valid.
    """
    dataset = Dataset.model_validate(summary.config["dataset"])
    features = dataset.features()
    day = datetime.fromisoformat(summary.started)
    lines = [
        "## The model",
        "",
        f"{_TASKS[dataset.task]} of {_label(dataset)} from {len(features)} "
        f"{'column' if len(features) == 1 else 'columns'}, measured on {summary.evaluated_rows:,} "
        f"rows that training did not see, on {day.day} {day:%B %Y} (run {summary.run_id}, the "
        "first that pushed a model).",
        "",
        "| metric | value | thresholds |",
        "| --- | --- | --- |",
        *(
            f"| {formatting.title(name)} | {formatting.metric(value)} "
            f"| {_thresholds(summary, name)} |"
            for name, value in summary.metrics.items()
            if name not in COUNTS
        ),
        "",
        "| role | columns |",
        "| --- | --- |",
    ]
    for role in Role:
        if names := [name for name, column in dataset.columns.items() if column.role is role]:
            lines.append(f"| {role} | {', '.join(_code(name) for name in names)} |")
    return "\n".join(lines) + "\n"


def _label(dataset: Dataset) -> str:
    label = dataset.label
    text = _code(label.column)
    if label.greater_than is not None:
        times = f" × {_code(label.times)}" if label.times else ""
        text += f" > {label.greater_than:g}{times}"
    elif label.positive is not None:
        text += f" = {_code(label.positive)}"
    return text


def _thresholds(summary: Summary, name: str) -> str:
    threshold: dict[str, Any] = summary.configured_thresholds().get(name) or {}
    shown = (
        ("min", "≥ {}"),
        ("max", "≤ {}"),
        ("max_worsening", "≤ {} worse than before"),
    )
    return ", ".join(
        text.format(formatting.number(threshold[key]))
        for key, text in shown
        if threshold.get(key) is not None
    )


def _code(text: str) -> str:
    """Text in the typewriter font of Markdown, also in a cell of a table."""
    longest = max((len(ticks) for ticks in re.findall(r"`+", text)), default=0)
    ticks = "`" * (longest + 1)
    space = " " if longest else ""
    line = re.sub(r"\s", " ", text).replace("|", r"\|")
    return f"{ticks}{space}{line}{space}{ticks}"


def _replace(file: Path, content: bytes) -> None:
    file = Path(os.path.realpath(file))
    draft = file.with_name(f".{file.name}-{os.getpid()}")
    try:
        draft.write_bytes(content)
        draft.chmod(file.stat().st_mode)
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)
