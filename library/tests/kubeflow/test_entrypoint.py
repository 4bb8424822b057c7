"""The entrypoint runs real steps with the commands of a compiled package, as a backend would."""

from __future__ import annotations

import copy
import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

from tests.engines.processes import free_port
from tests.kubeflow.cluster import installed
from tests.kubeflow.emulator.protojson import from_text
from tests.sample_project import CONFIGS, LIBRARY, copy_with_code, span
from tfxkit.kubeflow import compilation, container, entrypoint, span_driver
from tfxkit.kubeflow.package import Package
from tfxkit.runs.run_log import QUIET
from tfxkit.storage import artifacts

RUN = "minio://mlpipeline/v2/artifacts/taxi/run-1"


class Step:
    """A step of a package, and what a backend tells it."""

    def __init__(self, package: Package, name: str, work: Path, remote: str) -> None:
        spec = package.spec
        task = spec["root"]["dag"]["tasks"][name]
        self.component = spec["components"][task["componentRef"]["name"]]
        label = self.component["executorLabel"]
        self.container = spec["deploymentSpec"]["executors"][label]["container"]
        self.env = {one["name"]: one["value"] for one in self.container["env"]}
        self.folder = work / "minio" / RUN.removeprefix("minio://") / name / "1"
        defaults = spec["root"]["inputDefinitions"]["parameters"]
        self.message: dict[str, Any] = {
            "inputs": {
                "parameterValues": {
                    key: source["runtimeValue"]["constant"]
                    if "runtimeValue" in source
                    else defaults[source["componentInputParameter"]]["defaultValue"]
                    for key, source in task["inputs"]["parameters"].items()
                }
            },
            "outputs": {
                "outputFile": str(self.folder / "output_metadata.json"),
                "artifacts": {
                    key: {
                        "artifacts": [
                            {
                                "name": key,
                                "type": output["artifactType"],
                                "uri": f"{remote}/{name}/1/{key}",
                            }
                        ]
                    }
                    for key, output in self.component["outputDefinitions"]["artifacts"].items()
                },
            },
        }
        self.folder.mkdir(parents=True)

    @property
    def parameters(self) -> dict[str, Any]:
        return self.message["inputs"]["parameterValues"]

    def arguments(self, container: dict[str, Any]) -> list[str]:
        return [one.replace("{{$}}", json.dumps(self.message)) for one in container["args"]]

    def output(self) -> dict[str, Any]:
        text = Path(self.message["outputs"]["outputFile"]).read_text()
        from_text(text, pipeline_spec_pb2.ExecutorOutput())
        return json.loads(text)


@pytest.fixture(autouse=True)
def logs() -> Iterator[None]:
    """Restores the logging that a process has changed."""
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    yield
    root.setLevel(level)
    root.handlers[:] = [handler for handler in root.handlers if handler in handlers]


@pytest.fixture
def step(compiled, tmp_path, monkeypatch) -> Callable[..., Step]:
    """`step("kubeflow", "ExampleGen", "a.b=c", …)`, in the environment that the backend gives."""
    for name in ("KFP_POD_NAME", "PIPELINE_LAUNCHER_ROOT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in QUIET.items():  # the entrypoint sets them for its process
        monkeypatch.setenv(name, os.environ.get(name, value))

    def make(target: str, name: str, *settings: str) -> Step:
        remote = RUN
        if target == "kubeflow":
            monkeypatch.setenv("KFP_POD_NAME", "pod")
            monkeypatch.setenv("PIPELINE_LAUNCHER_ROOT", str(tmp_path))
        else:
            remote = f"{tmp_path}/bucket"
        made = Step(compiled(target, *settings), name, tmp_path, remote)
        for variable, value in made.env.items():
            monkeypatch.setenv(variable, value)
        return made

    return make


@pytest.fixture
def data(tmp_path) -> Path:
    """Two spans with the header and a few rows of the sample."""
    lines = span(1).read_text().splitlines(keepends=True)
    for number, rows in ((1, lines[1:31]), (2, lines[31:71])):
        (tmp_path / f"data/span-{number}").mkdir(parents=True)
        (tmp_path / f"data/span-{number}/rows.csv").write_text("".join([lines[0], *rows]))
    return tmp_path / "data"


def run(step: Step) -> subprocess.CompletedProcess[str]:
    """In a process of its own, which shares nothing with this one, and tells what it imports."""
    python = [sys.executable, "-X", "importtime"]
    command = [*python, *step.container["command"][1:], *step.arguments(step.container)]
    return subprocess.run(command, cwd=LIBRARY, capture_output=True, text=True, check=False)


def rows(folder: Path) -> int:
    files = [str(path) for path in folder.glob("Split-*/data_tfrecord-*.gz")]
    return sum(1 for _ in tf.data.TFRecordDataset(files, compression_type="GZIP"))


@pytest.mark.kubeflow
def test_on_kubeflow_a_step_reads_and_writes_the_mirror_and_speaks_of_the_store(step, data):
    example_gen = step("kubeflow", "ExampleGen")
    example_gen.parameters.update(input_base=str(data), range_config="newest")
    example_gen.message["outputs"]["artifacts"]["executor-logs"] = {
        "artifacts": [
            {
                "name": "executor-logs",
                "type": {"schemaTitle": "system.Artifact"},
                "uri": f"{RUN}/ExampleGen/1/executor-logs-0",
            }
        ]
    }
    done = run(example_gen)

    assert done.returncode == 0, done.stderr
    assert rows(example_gen.folder / "examples") == 40
    output = example_gen.output()
    assert output["artifacts"].keys() == {"examples"}
    [examples] = output["artifacts"]["examples"]["artifacts"]
    assert examples["uri"] == f"{RUN}/ExampleGen/1/examples"
    # As the local driver sets them; `span` is a property of TFX's own as well.
    assert examples["metadata"]["spans"] == "[2]"
    assert examples["metadata"]["custom:span"] == 2
    assert examples["metadata"]["input_fingerprint"].startswith("content:")
    assert json.loads(examples["metadata"]["split_names"]) == ["train", "eval"]
    # Seconds at the start of each step, for nothing.
    assert "google.cloud.aiplatform" not in done.stderr


@pytest.mark.kubeflow
def test_on_vertex_the_hook_resolves_the_spans_and_the_step_takes_them_over(step, data):
    example_gen = step("vertex", "ExampleGen")
    example_gen.parameters.update(input_base=str(data), range_config="last:2")
    first = data / "span-2" / "version-1"
    first.mkdir()
    (data / "span-2" / "rows.csv").rename(first / "rows.csv")
    hook = example_gen.container["lifecycle"]["preCacheCheck"]
    assert hook["command"][:3] == ["python", "-m", span_driver.__name__]
    assert span_driver.main(example_gen.arguments(hook)) == 0

    # Vertex AI reads what the hook has written, and tells the step.
    found = example_gen.output()
    assert found["parameterValues"]["span"] == 2
    assert found["parameterValues"]["spans"] == "[1, 2]"
    assert found["parameterValues"]["versions"] == "[null, 1]"
    [artifact] = found["artifacts"]["examples"]["artifacts"]
    assert artifact["uri"] == example_gen.message["outputs"]["artifacts"]["examples"][
        "artifacts"
    ][0]["uri"]  # fmt: skip
    told = span_driver.merge_output(example_gen.message, found)
    example_gen.message["outputs"] = told["outputs"]  # the parameters TFX reads from the file
    for later in ("span-3", "span-2/version-2"):  # come meanwhile, and must not be read
        (data / later).mkdir()
        (data / later / "rows.csv").write_text("not yet complete")
    done = run(example_gen)

    assert done.returncode == 0, done.stderr
    [examples] = example_gen.output()["artifacts"]["examples"]["artifacts"]
    assert rows(Path(examples["uri"])) == 70
    assert examples["metadata"]["spans"] == "[1, 2]"
    assert examples["metadata"]["versions"] == "[null, 1]"
    assert examples["metadata"]["custom:span"] == 2
    assert examples["metadata"]["input_fingerprint"] == artifact["metadata"]["input_fingerprint"]


@pytest.fixture
def passed_on(monkeypatch) -> list[str]:
    """Arguments of TFX's entrypoint, which is not run."""
    from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_run_executor

    calls: list[str] = []

    def call(parsed: tuple[Any, list[str]]) -> None:
        args, beam_args = parsed
        calls.extend([*(f"--{name}={value}" for name, value in vars(args).items()), *beam_args])

    monkeypatch.setattr(kubeflow_v2_run_executor, "main", call)
    return calls


@pytest.mark.parametrize("name", ["ExampleGen", "StatisticsGen", "Transform", "Pusher"])
def test_on_vertex_tfx_gets_every_byte_as_it_came(step, passed_on, name):
    given = step("vertex", name)
    given.message["inputs"]["artifacts"] = {
        "model": {
            "artifacts": [
                {
                    "name": "projects/1/locations/x/metadataStores/default/artifacts/2",
                    "type": {"instanceSchema": "title: tfx.Model\ntype: object\n"},
                    "uri": "gs://bucket/model",
                    "metadata": {"a": 1, "display_name": "b", "list": {"list": [1]}, "n": None},
                }
            ]
        }
    }
    arguments = given.arguments(given.container)
    assert entrypoint.main(arguments) == 0
    pairs = iter(arguments)
    expected = [
        f"{flag}={next(pairs)}" if flag.startswith(("--executor", "--json")) else flag
        for flag in pairs
    ]
    assert passed_on == expected
    assert not Path(given.message["outputs"]["outputFile"]).exists()


@pytest.mark.parametrize("target", ["kubeflow", "vertex"])
def test_values_of_the_run_reach_tfx_in_the_parameters_that_it_knows(step, passed_on, target):
    evaluator = step(target, "Evaluator")
    evaluator.parameters["evaluation__thresholds"] = {"auc": {"min": 0.875}}
    Path(evaluator.message["outputs"]["outputFile"]).write_text("{}")
    assert entrypoint.main(evaluator.arguments(evaluator.container)) == 0
    [text] = [one for one in passed_on if one.startswith("--json_serialized_invocation_args=")]
    message = json.loads(text.partition("=")[2])
    json_format.ParseDict(message, pipeline_spec_pb2.ExecutorInput())
    given = message["inputs"]["parameterValues"]
    assert json.loads(given["evaluation"])["thresholds"] == {"auc": {"min": 0.875}}
    assert set(given) == {key for key in evaluator.parameters if "__" not in key}


@pytest.mark.parametrize(
    ("target", "output_file"),
    [
        ("kubeflow", "output_metadata.json"),
        ("kubeflow", "kfp_outputs/output_metadata.json"),  # 2.14 and older: a place of its own
        ("vertex", "executor_output.json"),
    ],
)
def test_the_schema_comes_out_of_the_package(step, tmp_path, target, output_file):
    importer = step(target, "ImportSchemaGen")
    importer.message["outputs"]["outputFile"] = str(tmp_path / output_file)
    path = tmp_path / "schema-0123456789ab" / "schema.pbtxt"
    assert Path(importer.parameters["schema_file"]).parent.name.startswith("schema-")
    importer.parameters["schema_file"] = str(path)
    assert entrypoint.main(importer.arguments(importer.container)) == 0
    schema = (CONFIGS / "schema.pbtxt").read_bytes()
    assert path.read_bytes() == schema
    [written] = importer.output()["artifacts"]["schema"]["artifacts"]
    folder = importer.folder / "schema" if target == "kubeflow" else Path(written["uri"])
    from google.protobuf import text_format
    from tensorflow_metadata.proto.v0 import schema_pb2

    copied = (folder / "schema.pbtxt").read_text()
    assert text_format.Parse(copied, schema_pb2.Schema()) == text_format.Parse(
        schema.decode(), schema_pb2.Schema()
    )


def test_what_starts_a_container_is_called_by_its_name():
    assert ("python", "-m", entrypoint.__name__) == compilation.COMMAND


@pytest.mark.parametrize(
    "differing",
    [
        {"PIPELINE_CODE_HASH": "0123456789abcdef"},
        {"PIPELINE_LIBRARY": "0.1.9 (0123456789abcdef)"},
        {"PIPELINE_CODE_HASH": "0", "PIPELINE_LIBRARY": "0.1.9 (0123456789abcdef)"},
    ],
    ids=["project", "library", "both"],
)
def test_an_image_of_other_code_is_refused_before_anything_happens(
    differing, step, passed_on, monkeypatch, capsys
):
    pusher = step("kubeflow", "Pusher")
    for name, value in {**container.code_variables(), **differing}.items():
        monkeypatch.setenv(name, value)
    assert entrypoint.main(pusher.arguments(pusher.container)) == 1
    error = capsys.readouterr().err
    assert "built from other code than the package was compiled from" in error
    parts = {"PIPELINE_CODE_HASH": "project", "PIPELINE_LIBRARY": "tfxkit"}
    assert re.findall(r"^  (\w+)", error, re.MULTILINE) == [parts[name] for name in differing]
    assert all(f"{value} in the package" in error for value in differing.values())
    assert "Build the image and push it again, then compile" in error
    assert "Traceback" not in error
    assert passed_on == []


def test_a_package_and_the_installed_wheels_have_the_same_code(tmp_path):
    """Compiled in a checkout, run in an image."""
    program = "from tfxkit.kubeflow import container; print(container.code_variables())"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(installed(tmp_path))},
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout == f"{container.code_variables()}\n"


@pytest.mark.parametrize(
    ("file", "variable"),
    [
        ("models/features.py", "PIPELINE_CODE_HASH"),
        ("pipeline/dag.py", "PIPELINE_CODE_HASH"),
        ("tfxkit/features/columns.py", "PIPELINE_LIBRARY"),
    ],
)
def test_an_edit_is_seen_in_the_variable_of_project_or_library(file, variable, tmp_path):
    copy_with_code(tmp_path)
    with (tmp_path / file).open("a") as module:
        module.write("EDITED = True\n")
    program = "from tfxkit.kubeflow import container; print(*container.code_variables().values())"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        check=True,
        capture_output=True,
        text=True,
    )
    values = done.stdout.rstrip().split(" ", 1)
    before = container.code_variables()
    changed = {name for name, value in zip(before, values, strict=True) if before[name] != value}
    assert changed == {variable}


def test_data_that_stops_a_step_ends_it_with_a_message_and_4(step, data, capsys):
    example_gen = step("kubeflow", "ExampleGen")
    example_gen.parameters.update(input_base=str(data), range_config="7")
    assert entrypoint.main(example_gen.arguments(example_gen.container)) == 4
    error = capsys.readouterr().err
    assert f"{data} lacks span 7" in error
    assert "Traceback" not in error
    assert not Path(example_gen.message["outputs"]["outputFile"]).exists()


def test_the_hook_ends_likewise(step, data, capsys):
    example_gen = step("vertex", "ExampleGen")
    example_gen.parameters.update(input_base=str(data), range_config="latest")
    hook = example_gen.container["lifecycle"]["preCacheCheck"]
    assert span_driver.main(example_gen.arguments(hook)) == 4
    error = capsys.readouterr().err
    assert "Write newest, all, last:3" in error
    assert "Traceback" not in error


def test_a_bug_ends_a_step_with_its_traceback_and_1(step, capsys):
    broken = step("kubeflow", "StatisticsGen")
    broken.message["inputs"]["artifacts"] = {"examples": {"artifacts": [{"uri": "minio://b/x"}]}}
    assert entrypoint.main(broken.arguments(broken.container)) == 1
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_the_bulk_data_is_resolved_as_the_training_data_is(compiled, tmp_path, data, monkeypatch):
    package = compiled(
        "kubeflow", f"bulk_inferrer={{enabled: true, path: {data}}}", "kubeflow.steps.all.claims={}"
    )
    unlabelled = Step(copy.deepcopy(package), "UnlabelledExampleGen", tmp_path, RUN)
    assert span_driver.reads_spans(unlabelled.container["args"][1])
    unlabelled.parameters["input_base"] = str(data)
    found = span_driver.resolve_spans(unlabelled.message)
    assert found["parameterValues"]["spans"] == "[1, 2]"


def test_a_step_computes_as_on_this_machine():
    """TensorFlow reads how to compute when it is imported; the entrypoint says it before."""
    code = "import sys, tfxkit.kubeflow.entrypoint; print('tensorflow' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=LIBRARY, capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"


def on_flink(endpoint: str) -> list[str]:
    mounted = "kubeflow.steps.all.claims={/minio/mlpipeline: {claim: scratch}}"
    places = ["kubeflow.serving=gs://b/serving", "kubeflow.checkpoints=gs://b/checkpoints"]
    places += [mounted, "data.path=gs://b/taxi"]
    return ["beam.engine=flink", f"beam.flink.job_endpoint={endpoint}", *places]


def test_a_step_whose_job_server_is_not_there_says_so_before_it_begins(step, passed_on, capsys):
    endpoint = f"localhost:{free_port()}"
    transform = step("kubeflow", "Transform", *on_flink(endpoint))
    assert entrypoint.main(transform.arguments(transform.container)) == 1
    error = capsys.readouterr().err
    assert f"Beam's job server at {endpoint} does not answer" in error
    assert "Traceback" not in error
    assert passed_on == []


def test_a_step_without_beam_needs_no_job_server(step, passed_on):
    pusher = step("kubeflow", "Pusher", *on_flink(f"localhost:{free_port()}"))
    Path(pusher.message["outputs"]["outputFile"]).write_text("{}")
    assert entrypoint.main(pusher.arguments(pusher.container)) == 0
    assert passed_on


@pytest.mark.parametrize(("name", "remote"), [("Transform", True), ("Trainer", False)])
def test_what_dataflow_is_to_read_and_write_is_not_mirrored(
    step, passed_on, name, remote, monkeypatch
):
    monkeypatch.setattr(
        artifacts, "remove_beam_folders", lambda uri: None
    )  # there is no such bucket
    dataflow = (
        "beam.dataflow={project: acme, region: europe-west1, temp_location: 'gs://b/t', "
        "sdk_container_image: eu.gcr.io/acme/sdk:1}"
    )
    places = ["kubeflow.pipeline_root=gs://bucket/root", "data.path=gs://bucket/taxi"]
    given = step("kubeflow", name, "beam.engine=dataflow", dataflow, *places)
    output = next(iter(given.message["outputs"]["artifacts"].values()))
    output["artifacts"][0]["uri"] = "gs://bucket/root/x"
    Path(given.message["outputs"]["outputFile"]).write_text("{}")
    assert entrypoint.main(given.arguments(given.container)) == 0
    [text] = [one for one in passed_on if one.startswith("--json_serialized_invocation_args=")]
    assert ('"uri": "gs://bucket/root/x"' in text) is remote
