"""The shipped DAG with steps of the project's own: the lines that an owner adds."""

from __future__ import annotations

from pathlib import Path

_BUILT_BEHIND_THE_GATE = """\
    # What there is to train on, by class.
    count_labels = CountLabels(examples=example_gen.outputs["examples"])
    count_labels.add_upstream_node(data_gate)

    # The devices that the model is for take few megabytes.
    model_size = ModelSize(
        model=trainer.outputs["model"], max_megabytes=config.steps.model_size.max_megabytes
    )

"""
_BUILT_BEHIND_THE_PUSHER = """\
    pusher.add_upstream_node(model_size)

    # A line for each new version.
    push_log = PushLog(
        pushed_model=pusher.outputs["pushed_model"],
        rows=count_labels.outputs["rows"],
        **config.steps.push_log.model_dump(),
    )

"""
_LIST = "    steps += [evaluator, serving_check, pusher]\n"
_LONGER_LIST = """\
    steps += [count_labels, model_size, evaluator, serving_check, pusher, push_log]
    # In a container of its own, where the pipeline runs on a cluster.
    if config.steps.scan.enabled:
        steps.append(Scan(pushed_model=pusher.outputs["pushed_model"]))
"""
_SETTINGS = """\
class PushLogSettings(Frozen):
    file: str = "pushed.txt"
    greeting: str = "New model"


class ModelSizeSettings(Frozen):
    max_megabytes: float = pydantic.Field(default=20.0, gt=0)


class ScanSettings(Frozen):
    enabled: bool = False


"""
_FIELDS = """\
    push_log: PushLogSettings = PushLogSettings()
    model_size: ModelSizeSettings = ModelSizeSettings()
    scan: ScanSettings = ScanSettings()
"""
# Line of the shipped file -> what is put above it.
_ADDED = {
    "from components import (\n": (
        "from components.count_labels import CountLabels\n"
        "from components.model_size import ModelSize\n"
        "from components.push_log import PushLog\n"
        "from components.scan import Scan\n"
    ),
    "    # Pushes a model that every check": _BUILT_BEHIND_THE_GATE,
    "    steps = [example_gen, ": _BUILT_BEHIND_THE_PUSHER,
}
_DAG_EDITS = {line: added + line for line, added in _ADDED.items()} | {_LIST: _LONGER_LIST}
_ADDED_TO_SETTINGS = {
    "class Steps(Frozen):\n": _SETTINGS,
    "    announce: AnnounceSettings = ": _FIELDS,
}
_SETTINGS_EDITS = {line: added + line for line, added in _ADDED_TO_SETTINGS.items()}


def add_steps(package: Path) -> None:
    """Adds the steps of `project/components/` and their settings to a copy of `pipeline/`."""
    _edit(package / "dag.py", _DAG_EDITS)
    _edit(package / "steps.py", _SETTINGS_EDITS)


def _edit(file: Path, edits: dict[str, str]) -> None:
    source = file.read_text()
    for old, new in edits.items():
        assert source.count(old) == 1, f"{file} has no single {old!r}"
        source = source.replace(old, new)
    file.write_text(source)
