"""Makes the page of a run from nothing but the artifacts that its steps handed over."""

from __future__ import annotations

import json
import logging
import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from markupsafe import escape
from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils

from tfxkit.config.dataset import Dataset
from tfxkit.kubeflow.checkpoint_run import run_of
from tfxkit.report.model_card import MODEL_CARD_FILE
from tfxkit.report.page import SECTIONS, render_report
from tfxkit.report.run import Run
from tfxkit.runs import results
from tfxkit.runs.metadata import Artifact
from tfxkit.runs.outputs import Outputs
from tfxkit.runs.summary import EXIT_CODES, State, Step, Summary
from tfxkit.storage.filesystems import fileio

logger = logging.getLogger(__name__)

Artifacts = dict[str, list[types.Artifact]]
# The page of the backend has the steps themselves.
_LEFT_OUT = ("steps",)


class Executor(base_executor.BaseExecutor):
    """See `tfxkit.kubeflow.report_step.component.Report`."""

    def Do(  # noqa: N802
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Writes the page."""
        page = artifact_utils.get_single_instance(output_dict["page"])
        run_id = run_of(page.uri)
        page.uri = f"{page.uri}.html"  # by this, stores and UIs know what it is
        try:
            with tempfile.TemporaryDirectory() as folder:
                run = _run(Path(folder), run_id, input_dict, exec_properties)
                sections = [section for section in SECTIONS if section.key not in _LEFT_OUT]
                text = render_report(run, sections)
        except Exception as error:  # whatever is wrong with the page, the run has ended as it has
            logger.exception("No report could be made")
            reason = escape(f"{type(error).__name__}: {error}")
            text = (
                f"<!DOCTYPE html>\n<title>No report</title>\n<p>No report could be made: {reason}"
            )
        fileio.makedirs(os.path.dirname(page.uri))
        with fileio.open(page.uri, "w") as file:
            file.write(text)
        logger.info("The report of the run is %s", page.uri)


def _run(folder: Path, run_id: str, inputs: Artifacts, properties: dict[str, Any]) -> Run:
    """The run as the report sees it; what is in a store that only TensorFlow opens is copied."""
    from tfxkit.kubeflow.report_step.component import READS

    artifacts: dict[str, dict[str, Artifact]] = {}
    for name, (step, key, _) in READS.items():
        if not inputs.get(name):
            continue
        found = artifact_utils.get_single_instance(inputs[name])
        uri = _local(found.uri, folder / "artifacts" / step / key)
        artifacts.setdefault(step, {})[key] = Artifact(
            found.id, found.type_name, uri, _properties(found)
        )
    config = json.loads(properties["config"])
    for key in ("evaluation", "validation"):
        config["dataset"][key] = json.loads(properties[key])
    configs, run_dir = folder / "configs", folder / "runs" / run_id
    for each in (configs, run_dir):
        each.mkdir(parents=True)
    if properties["model_card"]:
        (configs / MODEL_CARD_FILE).write_text(properties["model_card"], encoding="utf-8")
    fields = results.collect(artifacts)
    status = results.verdict(fields)
    summary = Summary(
        run_id=run_id,
        pipeline=config["pipeline"],
        status=status,
        exit_code=EXIT_CODES[status],
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        seconds=0.0,  # nobody knows here
        pid=os.getpid(),
        steps=tuple(Step(name=step, state=State.RUN, seconds=0.0) for step in artifacts),
        versions=results.versions(),
        arguments={"config_dir": str(configs)},
        config=config,
        **fields,
    )
    return Run(
        run_dir=run_dir,
        outputs=Outputs(folder),
        summary=summary,
        dataset=Dataset.model_validate(config["dataset"]),
        steps={},
        artifacts=artifacts,
    )


def _properties(artifact: types.Artifact) -> dict[str, Any]:
    known = artifact.mlmd_artifact
    return {
        **{name: getattr(artifact, name) for name in known.properties},
        **{name: _custom(artifact, name) for name in known.custom_properties},
    }


def _custom(artifact: types.Artifact, name: str) -> Any:
    """Not `get_custom_property`, which takes a 0 for nothing (tfx 1.21, types/artifact.py:753)."""
    found = artifact.mlmd_artifact.custom_properties[name]
    if found.HasField("struct_value"):
        return artifact.get_json_value_custom_property(name)
    return getattr(found, found.WhichOneof("value"))


def _local(uri: str, target: Path) -> str:
    """A folder or file that plain Python can open; on Kubeflow the launcher has seen to that."""
    if "://" not in uri:
        return uri
    if not fileio.isdir(uri):
        target.parent.mkdir(parents=True, exist_ok=True)
        fileio.copy(uri, str(target))
        return str(target)
    for parent, _, names in fileio.walk(uri):
        own = target / os.path.relpath(os.fsdecode(parent), uri)
        own.mkdir(parents=True, exist_ok=True)
        for name in names:
            fileio.copy(os.path.join(parent, name), str(own / os.fsdecode(name)))
    return str(target)
