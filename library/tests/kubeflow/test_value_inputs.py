"""A function component in a container gets the values that earlier steps have returned."""

import importlib

from tfx import v1 as tfx

from tfxkit.kubeflow.artifact_types import value_reading_executor


@tfx.dsl.components.component
def Double(  # noqa: N802
    rows: int, doubled: tfx.dsl.components.OutputArtifact[tfx.types.standard_artifacts.Integer]
):
    doubled.value = 2 * rows


def artifact(folder, name):
    found = tfx.types.standard_artifacts.Integer()
    found.uri = str(folder / name)
    return found


def test_values_are_read_before_the_step_starts(tmp_path):
    given, doubled = artifact(tmp_path, "rows"), artifact(tmp_path, "doubled")
    (tmp_path / "rows").write_text("21")
    module, _, name = value_reading_executor(f"{__name__}.Double_Executor").rpartition(".")
    executor = getattr(importlib.import_module(module), name)
    executor().Do({"rows": [given]}, {"doubled": [doubled]}, {})
    assert (tmp_path / "doubled").read_text() == "42"


def test_an_executor_of_beam_is_left_alone():
    path = "tfx.components.statistics_gen.executor.Executor"
    assert value_reading_executor(path) == path
