"""The DAG: it has its steps, the cache sees what a step runs, Beam gets its options."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.sample_project import CONFIGS, LIBRARY, ROOT, SAMPLE, copy_with_code
from tfxkit.config import loading as config
from tfxkit.config.loading import Config
from tfxkit.runs.outputs import Outputs

ALL_ON = (
    "tuner.enabled=true",
    "bulk_inferrer={enabled: true, path: data/taxi}",
    "dataset.evaluation.metrics.hits.function=tests.sample.models.metrics.share_of_hits",
)
PLACES = {
    "data": "gs://bucket/data",
    "schema": str(CONFIGS / "schema.pbtxt"),
    "serving": "gs://bucket/serving",
    "checkpoints": "gs://bucket/checkpoints",
    "bulk_data": "gs://bucket/bulk",
}
ALWAYS = {
    "ExampleGen",
    "StatisticsGen",
    "ImportSchemaGen",
    "ExampleValidator",
    "Baseline",
    "DataGate",
    "Transform",
    "Trainer",
    "Evaluator",
    "ServingCheck",
    "Pusher",
}
OPTIONAL = {"Tuner", "UnlabelledExampleGen", "BulkInferrer"}


def load(*settings: str) -> Config:
    return config.load(CONFIGS, ["local"], settings)


@pytest.mark.parametrize(
    ("settings", "steps"), [((), ALWAYS), (ALL_ON, ALWAYS | OPTIONAL)], ids=["as it is", "all on"]
)
def test_it_has_all_steps_under_names_that_every_backend_takes(settings, steps):
    from tfx.dsl.components.common.resolver import Resolver

    from tfxkit.runs.dag_building import build_components
    from tfxkit.runs.places import Places

    nodes = build_components(load(*settings), Places(**PLACES))
    assert {node.id for node in nodes} == steps
    assert all(re.fullmatch(r"[A-Za-z][-A-Za-z0-9]*", node.id) for node in nodes)
    assert not any(isinstance(node, Resolver) for node in nodes)  # Kubeflow runs none


@pytest.mark.parametrize("step", ["Transform", "Tuner", "Trainer"])
def test_functions_find_the_hash_of_their_code_in_the_custom_config(step):
    from tfxkit.runs.dag_building import build_components
    from tfxkit.runs.places import Places

    [node] = [n for n in build_components(load(*ALL_ON), Places(**PLACES)) if n.id == step]
    found = json.loads(node.exec_properties["custom_config"])["code_hash"]
    assert found and found == node.exec_properties["code_hash"]


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (("config.serving_check.examples", "config.serving_chek.examples"), "AttributeError: "),
        (
            ("import (\n    Announce,", "import (\n    Anounce,"),
            "ImportError: cannot import name 'Anounce'",
        ),
        (("components.evaluator", "components.evaluatr"), "ModuleNotFoundError: No module named"),
        (("statistics_gen = Stat", "statistics_gen == = Stat"), "SyntaxError: invalid syntax"),
    ],
)
def test_a_mistake_in_its_module_is_told_with_its_line(edit, told, tmp_path, monkeypatch):
    from tfxkit.runs.dag_building import build_components
    from tfxkit.runs.places import Places

    source = (SAMPLE / "dag.py").read_text()
    line = source[: source.index(edit[0])].count("\n") + 1
    name = f"dag_{abs(hash(edit))}"
    (tmp_path / f"{name}.py").write_text(source.replace(*edit))
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(config.ConfigError, match=re.escape(f"{name}.py, line {line}: {told}")):
        build_components(load(f"dag={name}"), Places(**PLACES))


def test_a_dag_without_forms_of_columns_refuses_a_configuration_with_them(tmp_path, monkeypatch):
    from tfxkit.components.example_gen.component import reading_of
    from tfxkit.runs.dag_building import build_components
    from tfxkit.runs.places import Places

    forms = "data.columns={company: {missing: []}, fare: {parse: {prefix: $}}}"
    nodes = build_components(load(forms, "data.csv.missing=[NA]"), Places(**PLACES))
    [reading] = [reading_of(node.exec_properties) for node in nodes if node.id == "ExampleGen"]
    assert reading.columns["company"].missing == ()
    assert reading.columns["fare"].parse.prefix == "$"
    assert reading.missing == ("NA",)

    source = (SAMPLE / "dag.py").read_text()
    (tmp_path / "dag_of_0_2.py").write_text(source.replace("columns=config.data.columns,", "", 1))
    monkeypatch.syspath_prepend(tmp_path)
    build_components(load("dag=dag_of_0_2"), Places(**PLACES))
    with pytest.raises(config.ConfigError, match=r"dag_of_0_2\.py does not pass .* ExampleGen\. "):
        build_components(load("dag=dag_of_0_2", forms), Places(**PLACES))


FUNCTION_COMPONENT = """\
from __future__ import annotations
from tfx import v1 as tfx


@tfx.dsl.components.component
def Announce(file: tfx.dsl.components.Parameter[str]):
    pass
"""


@pytest.mark.parametrize(
    "how", ["from {} import Announce", "def create_components(c, p):\n    import {}"]
)
def test_a_function_component_whose_annotations_are_text_is_refused(how, tmp_path, monkeypatch):
    from tfxkit.runs.dag_building import build_components
    from tfxkit.runs.places import Places

    steps, dag = f"steps_{abs(hash(how))}", f"dag_{abs(hash(how))}"
    (tmp_path / f"{steps}.py").write_text(FUNCTION_COMPONENT)
    (tmp_path / f"{dag}.py").write_text(how.format(steps))
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(config.ConfigError) as caught:
        build_components(load(f"dag={dag}"), Places(**PLACES))
    assert str(caught.value) == (
        f"{tmp_path / steps}.py has `from __future__ import annotations`. TFX reads the "
        "annotations of a function component when it is defined, and with that import they are "
        "text instead of types. Remove the import."
    )


def test_another_annotation_that_tfx_does_not_take_is_told_by_tfx(tmp_path, monkeypatch):
    from tfxkit.runs.dag_building import build_components
    from tfxkit.runs.places import Places

    source = FUNCTION_COMPONENT.partition("\n")[2].replace(
        "tfx.dsl.components.Parameter[str]", "set"
    )
    (tmp_path / "dag_of_sets.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ValueError, match="Unknown type hint annotation for argument 'file'"):
        build_components(load("dag=dag_of_sets"), Places(**PLACES))


def test_a_module_that_is_not_there_is_refused():
    from tfxkit.runs.dag_building import build_components
    from tfxkit.runs.places import Places

    for name in ("pipeline.scorin", "nowhere.scoring"):
        with pytest.raises(config.ConfigError, match=f"no module {name}"):
            build_components(load(f"dag={name}"), Places(**PLACES))


# Prints which steps' parameters, which are part of their cache keys, an edit changes. Runs in a
# copy of the project: it edits the sources.
PROGRAM = """
import json, sys
from pathlib import Path
from tfxkit.config import loading as config
from tfxkit.runs.outputs import Outputs
from tfxkit.runs.places import Places
from tfxkit.runs import runner

places, always, edits = json.loads(sys.argv[1])

def parameters(*settings):
    loaded = config.load(Path("configs"), ["local"], [*always, *settings])
    ir = runner.compile_pipeline(loaded, Places(**places), Outputs(Path("outputs").resolve()))
    nodes = [node.pipeline_node for node in ir.nodes]
    return {n.node_info.id: n.parameters.SerializeToString(deterministic=True) for n in nodes}

def edited(edit):
    if "=" in edit:
        return parameters(edit)
    files = sorted(Path().glob(edit))
    assert files, edit
    before = [file.read_bytes() for file in files]
    for file, source in zip(files, before):
        file.write_bytes(source + b"# edited\\n")
    after = parameters()
    for file, source in zip(files, before):
        file.write_bytes(source)
    return after

reference = parameters()
changed = {}
for edit in edits:
    after = edited(edit)
    changed[edit] = [step for step in reference if after[step] != reference[step]]
print(json.dumps(changed))
"""
LEARNING = {"Tuner", "Trainer"}
EXAMPLE_GENS = {"ExampleGen", "UnlabelledExampleGen"}
WITH_MODEL = LEARNING | {"ServingCheck"}  # it builds the model again from its code
OWN_CODE = (ALWAYS | OPTIONAL) - {
    "StatisticsGen",
    "ImportSchemaGen",
    "ExampleValidator",
    "BulkInferrer",
}
EDITS = {
    "*[ts]*/**/*.py": OWN_CODE,  # all of the project's code
    "tests/sample/models/network.py": WITH_MODEL,
    "tfxkit/config/settings.py": WITH_MODEL,
    "tfxkit/training/export.py": WITH_MODEL,
    "tests/sample/models/training.py": WITH_MODEL,
    "tfxkit/training/search.py": {"Tuner"},
    "tests/sample/models/tuning.py": {"Tuner"},
    "tests/sample/models/features.py": {"Transform"},
    "tfxkit/features/helpers.py": {"Transform"},
    "tfxkit/features/preprocessing.py": {"Transform"},
    "tfxkit/features/planned.py": {"Transform"},
    "tfxkit/config/dataset.py": {"Transform", "Evaluator", "DataGate"} | WITH_MODEL,
    "tfxkit/evaluation.py": {"Evaluator", "DataGate"},
    "tfxkit/storage/filesystems.py": OWN_CODE,
    "tfxkit/components/example_gen/*.py": EXAMPLE_GENS,
    "tfxkit/components/baseline/*.py": {"Baseline"},
    "tfxkit/components/data_gate/*.py": {"DataGate"},
    "tfxkit/components/evaluator/*.py": {"Evaluator"},
    "tfxkit/metrics/*.py": {"Evaluator", "DataGate"},
    "tests/sample/models/metrics.py": {"Evaluator"},
    "dataset.evaluation.metrics.f1={}": {"Evaluator"},
    "tfxkit/components/serving_check/*.py": {"ServingCheck"},
    "tfxkit/components/pusher/*.py": {"Pusher"},
    "pipeline/*.py": set(),
    "tfxkit/runs/*.py": set(),
    "tfxkit/report/*.py": set(),
    "tfxkit/commands/*.py": set(),
    "model.width=32": LEARNING,
    "train.epochs=3": LEARNING,
    "tuner.trials=2": {"Tuner"},
    "data.splits.eval=2": {"ExampleGen"},
    "data.split_by=company": {"ExampleGen"},
    "data.split_at={column: trip_start_timestamp, bounds: {eval: 1451606400}}": {"ExampleGen"},
    "data.csv.missing=[NA]": EXAMPLE_GENS | {"Trainer"},  # whose model carries it for predict
    "dataset.label.missing=drop": {"ExampleGen"},
    "serving_check.examples=8": {"ServingCheck"},
    "dataset.evaluation.thresholds.auc.min=0.9": {"Evaluator"},
    "dataset.validation.stop_at=warning": {"DataGate"},
    "dataset.columns.company.vocabulary_size=9": {"Transform", "Baseline"} | LEARNING,
    "beam.workers=2": set(),
}


@pytest.fixture(scope="module")
def changed(tmp_path_factory) -> dict[str, list[str]]:
    """Edit -> the steps that it changes."""
    return changed_steps(tmp_path_factory.mktemp("project"), ALL_ON, list(EDITS))


def changed_steps(
    copy: Path, settings: Sequence[str], edits: Sequence[str]
) -> dict[str, list[str]]:
    """Makes edits, one at a time, in a copy of the project."""
    copy_with_code(copy)
    command = [sys.executable, "-c", PROGRAM, json.dumps([PLACES, settings, edits])]
    done = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_changes_the_cache_key_of_exactly_the_steps_that_it_concerns(edit, changed):
    assert set(changed[edit]) == EDITS[edit]


@pytest.mark.slow
def test_each_step_of_the_shipped_dag_has_a_hash_of_the_projects_code_that_it_runs(tmp_path):
    from tfxkit.runs.dag_building import build_components
    from tfxkit.runs.places import Places

    settings = (*ALL_ON, "dag=pipeline.dag")
    used = {}  # file -> the steps whose executor or function is in it
    for node in build_components(load(*settings), Places(**PLACES)):
        names = [node.executor_spec.executor_class.__module__]
        names += [
            text.rpartition(".")[0] for text in node.exec_properties.values() if is_name(text)
        ]
        for file in (f"{name.replace('.', '/')}.py" for name in names):
            if any((root / file).is_file() for root in (ROOT, LIBRARY / "src")):
                used.setdefault(file, set()).add(node.id)
    assert {"models/training.py", "models/features.py"} < used.keys()
    changed = changed_steps(tmp_path, settings, list(used))
    assert [file for file, steps in used.items() if not steps <= set(changed[file])] == []


def is_name(value: object) -> bool:
    return isinstance(value, str) and bool(re.fullmatch(r"\w+(\.\w+)+", value))


def test_a_package_of_any_name_has_its_hash(tmp_path, monkeypatch):
    from importlib import import_module

    from tfxkit.storage.step_cache import add_code_hashes

    file = tmp_path / "announcements" / "note.py"
    file.parent.mkdir()
    file.write_text(
        "from tfx import v1 as tfx\n@tfx.dsl.components.component\ndef Note():\n    pass\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    hashes = []
    for _ in range(2):
        step = import_module("announcements.note").Note()
        add_code_hashes([step])
        hashes.append(step.exec_properties["code_hash"])
        file.write_text(file.read_text() + "# edited\n")
    assert hashes[0] != hashes[1]


def beam_args(*settings, **places) -> dict[str, list[str]]:
    """The arguments of Beam in each step of a local run that uses Beam."""
    from tfx.orchestration.local import runner_utils

    from tfxkit.runs import runner
    from tfxkit.runs.places import Places

    with tempfile.TemporaryDirectory() as folder:
        ir = runner.compile_pipeline(
            load(*settings), Places(**PLACES | places), Outputs(Path(folder))
        )
    deployment = runner_utils.extract_local_deployment_config(ir)
    given = {}
    for step, spec in deployment.executor_specs.items():
        if spec.HasField("beam_executable_spec"):
            placeholders = spec.beam_executable_spec.beam_pipeline_args_placeholders
            given[step] = [placeholder.value.string_value for placeholder in placeholders]
    return given


def test_beam_options_reach_each_step_that_runs_beam():
    given = beam_args(
        *ALL_ON,
        "beam.mode=multi_threading",
        "beam.workers=3",
        "beam.options={job_name: taxi, streaming: false, save_main_session: true}",
    )
    assert given.keys() == {
        *EXAMPLE_GENS, "StatisticsGen", "Transform", "Evaluator", "BulkInferrer"
    }  # fmt: skip
    for args in given.values():
        assert args == [
            "--runner=FnApiRunner",
            "--direct_running_mode=multi_threading",
            "--direct_num_workers=3",
            "--sdk_container_image=none",
            "--job_name=taxi",
            "--save_main_session",
        ]


@pytest.mark.parametrize(
    ("spans", "mode"), [("all", "multi_processing"), ("newest", "in_memory"), ("3", "in_memory")]
)
def test_the_data_that_a_run_takes_decides_how_beam_runs(spans, mode, tmp_path):
    for number, size in ((1, 1_999_000_000), (2, 1_000_000)):
        file = tmp_path / f"span-{number}" / "rows.csv"
        file.parent.mkdir()
        file.touch()
        os.truncate(file, size)  # takes no space
    given = beam_args("beam.mode=auto", "beam.workers=2", f"data.spans={spans}", data=str(tmp_path))
    for args in given.values():
        assert f"--direct_running_mode={mode}" in args
