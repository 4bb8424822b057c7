"""The shipped DAG with steps of the project's own: the lines that an owner adds to it."""

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

    # Tells of each new version.
    announce = Announce(
        pushed_model=pusher.outputs["pushed_model"],
        rows=count_labels.outputs["rows"],
        **config.steps.announce.model_dump(),
    )

"""
_LIST = "    steps += [evaluator, serving_check, pusher]\n"
_LONGER_LIST = """\
    steps += [count_labels, model_size, evaluator, serving_check, pusher, announce]
    # In a container of its own, where the pipeline runs on a cluster.
    if config.steps.scan.enabled:
        steps.append(Scan(pushed_model=pusher.outputs["pushed_model"]))
"""
# Line of the shipped DAG -> what is put above it.
_ADDED = {
    "from components import (\n": (
        "from components.announce import Announce\n"
        "from components.count_labels import CountLabels\n"
        "from components.model_size import ModelSize\n"
        "from components.scan import Scan\n"
    ),
    "    # Pushes a model that every check": _BUILT_BEHIND_THE_GATE,
    "    steps = [example_gen, ": _BUILT_BEHIND_THE_PUSHER,
}
_EDITS = {line: added + line for line, added in _ADDED.items()} | {_LIST: _LONGER_LIST}


def add_steps(dag: Path) -> None:
    """Adds the steps of `project/components/` to a copy of `pipeline/dag.py`."""
    source = dag.read_text()
    for old, new in _EDITS.items():
        assert source.count(old) == 1, f"pipeline/dag.py has no single {old!r}"
        source = source.replace(old, new)
    dag.write_text(source)
