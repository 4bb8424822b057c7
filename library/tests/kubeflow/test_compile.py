"""The DAG after `compile`: complete, as the backends read it, the same each time."""

from __future__ import annotations

import base64
import gzip
import importlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf import json_format

from tests.kubeflow.overlays import PIPELINE, load
from tests.light_commands import exit_codes_and_heavy_imports
from tests.sample_project import CONFIGS, ROOT, SAMPLE, copy_with_code
from tfxkit import cli
from tfxkit.config.loading import ConfigError
from tfxkit.kubeflow import TARGETS
from tfxkit.kubeflow.checks import find_problems
from tfxkit.kubeflow.container import code_variables
from tfxkit.kubeflow.package import read_package, to_yaml, write_package

WHERE = ("--config-dir", str(CONFIGS))
STEPS = {
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
    "Report",
}
BLIND = {"ExampleGen", "Baseline", "Pusher"}  # what the key of Kubeflow's cache does not show
OPTIONAL = {"Tuner", "UnlabelledExampleGen", "BulkInferrer"}
ALL_ON = ("tuner.enabled=true", "bulk_inferrer={enabled: true, path: gs://bucket/unlabelled}")


def tasks_of(package):
    return package.spec["root"]["dag"]["tasks"]


def containers_of(package):
    executors = package.spec["deploymentSpec"]["executors"]
    return {step: executors[f"{step}_executor"]["container"] for step in tasks_of(package)}


def env_of(container):
    return {variable["name"]: variable["value"] for variable in container["env"]}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(
    ("settings", "steps"), [((), STEPS), (ALL_ON, STEPS | OPTIONAL)], ids=["as it is", "all on"]
)
def test_it_is_the_whole_dag_in_schema_2_1_and_nothing_is_wrong_with_it(
    target, settings, steps, compiled
):
    package = compiled(target, *settings)
    assert package.spec["schemaVersion"] == "2.1.0"
    assert tasks_of(package).keys() == steps
    assert find_problems(package, target) == []


@pytest.mark.parametrize("target", TARGETS)
def test_both_documents_are_read_without_an_unknown_field(target, compiled):
    from kfp.kubernetes import kubernetes_executor_config_pb2
    from kfp.pipeline_spec import pipeline_spec_pb2

    package = compiled(target, *ALL_ON)
    spec = json_format.ParseDict(package.spec, pipeline_spec_pb2.PipelineSpec())
    json_format.ParseDict(
        json_format.MessageToDict(spec.deployment_spec),
        pipeline_spec_pb2.PipelineDeploymentConfig(),
    )
    assert (package.platform is None) == (target == "vertex")
    if package.platform:
        json_format.ParseDict(package.platform, pipeline_spec_pb2.PlatformSpec())
        kubernetes = package.platform["platforms"]["kubernetes"]
        assert kubernetes.keys() == {"deploymentSpec"}  # older servers know no pipelineConfig
        for config in kubernetes["deploymentSpec"]["executors"].values():
            json_format.ParseDict(config, kubernetes_executor_config_pb2.KubernetesExecutorConfig())


@pytest.mark.parametrize("target", TARGETS)
def test_the_page_is_of_the_type_that_the_uis_show_and_comes_after_the_push(target, compiled):
    spec = compiled(target).spec
    outputs = spec["components"]["Report"]["outputDefinitions"]["artifacts"]
    assert outputs == {
        "page": {"artifactType": {"schemaTitle": "system.HTML", "schemaVersion": "0.0.1"}}
    }
    task = spec["root"]["dag"]["tasks"]["Report"]
    assert set(task["dependentTasks"]) == STEPS - {"Report"}


@pytest.mark.parametrize("target", TARGETS)
def test_the_client_of_kubeflow_reads_the_file(target, compiled, tmp_path):
    from kfp import components

    write_package(compiled(target), tmp_path / "package.yaml")
    component = components.load_component_from_file(str(tmp_path / "package.yaml"))
    assert component.name == PIPELINE
    assert set(component.component_spec.inputs) == {
        "data_path", "spans", "stop_at", "drift", "thresholds", "worst_slice"
    }  # fmt: skip


def test_each_step_runs_the_entrypoint_in_the_image(compiled):
    image = load("kubeflow").kubeflow.image
    for container in containers_of(compiled("kubeflow")).values():
        assert container["image"] == image
        assert container["command"] == ["python", "-m", "tfxkit.kubeflow.entrypoint"]


def test_the_pipeline_root_is_not_lost(compiled):
    assert compiled("kubeflow").spec["defaultPipelineRoot"] == "minio://mlpipeline/v2/artifacts"
    assert compiled("vertex").spec["defaultPipelineRoot"] == "gs://my-bucket/pipeline-root"


def test_vertex_asks_for_spans_before_its_cache_and_kubeflow_has_no_such_hook(compiled):
    assert not any("lifecycle" in one for one in containers_of(compiled("kubeflow")).values())
    containers = containers_of(compiled("vertex", *ALL_ON))
    hooks = {step: one["lifecycle"] for step, one in containers.items() if "lifecycle" in one}
    assert hooks.keys() == {"ExampleGen", "UnlabelledExampleGen"}
    for hook in hooks.values():
        assert hook["preCacheCheck"]["command"] == [
            *("python", "-m", "tfxkit.kubeflow.span_driver", "--executor_class_path"),
            "tfxkit.components.example_gen.component.SpanExecutor",
        ]
        assert "--json_serialized_inputs_spec_args" in hook["preCacheCheck"]["args"]


def test_the_schema_travels_in_the_package_under_a_path_that_follows_its_content(compiled):
    package = compiled("kubeflow")
    constants = tasks_of(package)["ImportSchemaGen"]["inputs"]["parameters"]
    path = Path(constants["schema_file"]["runtimeValue"]["constant"])
    assert path.name == "schema.pbtxt" and path.parent.parent == Path("/tmp")
    packed = env_of(containers_of(package)["ImportSchemaGen"])["PIPELINE_SCHEMA"]
    unpacked = gzip.decompress(base64.b64decode(packed))
    assert unpacked == (CONFIGS / "schema.pbtxt").read_bytes()


def test_another_schema_has_another_path(compiled, tmp_path):
    shutil.copytree(CONFIGS, tmp_path / "configs")
    schema = tmp_path / "configs" / "schema.pbtxt"
    schema.write_text(schema.read_text() + "# changed\n")
    config = load("kubeflow")
    runner = importlib.import_module("tfxkit.kubeflow.runners.kubeflow")
    changed = runner.compile_package(config, tmp_path / "configs")

    def path(package):
        return tasks_of(package)["ImportSchemaGen"]["inputs"]["parameters"]["schema_file"]

    assert path(changed) != path(compiled("kubeflow"))


def test_every_step_knows_the_code_that_it_was_compiled_from(compiled):
    expected = code_variables()
    assert expected.keys() == {"PIPELINE_CODE_HASH", "PIPELINE_LIBRARY"}
    for container in containers_of(compiled("kubeflow", *ALL_ON)).values():
        assert expected.items() <= env_of(container).items()


@pytest.mark.parametrize(
    ("target", "settings", "cached"),
    [
        ("kubeflow", (), set()),
        ("kubeflow", ("kubeflow.steps.Transform.cache=true",), {"Transform"}),
        ("kubeflow", ("kubeflow.steps.all.cache=true", "cache=false"), set()),
        ("kubeflow", ("kubeflow.steps.all.cache=true",), STEPS - BLIND),
        ("vertex", (), STEPS - {"Baseline", "Pusher"}),
        (
            "vertex",
            ("vertex.steps.Transform.cache=false",),
            STEPS - {"Baseline", "Pusher", "Transform"},
        ),
        ("vertex", ("cache=false",), set()),
    ],
)
def test_what_is_cached(target, settings, cached, compiled):
    tasks = tasks_of(compiled(target, *settings))
    options = {step: task["cachingOptions"] for step, task in tasks.items()}
    assert {step for step in tasks if options[step] == {"enableCache": True}} == cached
    assert {step for step in tasks if options[step] == {}} == tasks.keys() - cached


@pytest.mark.parametrize(
    ("target", "settings", "told"),
    [
        ("kubeflow", ["kubeflow=null"], "There is no section kubeflow"),
        ("vertex", ["vertex=null"], "There is no section vertex"),
        (
            "kubeflow",
            ["data.path=data/taxi"],
            "data.path: 'data/taxi' does not exist inside",
        ),
        ("kubeflow", ["data.path=minio://bucket/taxi"], "AWS_ENDPOINT_URL"),
        ("kubeflow", ["bulk_inferrer={enabled: true, path: new}"], "bulk_inferrer.path: 'new'"),
        (
            "kubeflow",
            ["dataset.validation={skew: {fare: {jensen_shannon: 1}}, serving_statistics: s}"],
            "dataset.validation.serving_statistics: 's'",
        ),
        ("kubeflow", ["kubeflow.serving=/srv/models"], "is in no volume that Baseline mounts"),
        ("kubeflow", ["kubeflow.steps.Pusher.claims=null"], "no volume that Pusher mounts"),
        ("kubeflow", ["kubeflow.checkpoints=/mnt/pipeline2"], "no volume that Trainer mounts"),
        ("vertex", ["data.path=s3://bucket/taxi"], "data.path: 's3://bucket/taxi' is not on Cloud"),
        ("vertex", ["pipeline=2taxi"], "begins with a letter"),
        ("kubeflow", ["kubeflow.steps.Trianer.cpu.limit=1"], "did you mean Trainer?"),
        ("kubeflow", ["kubeflow.steps.Tuner.cpu.limit=1"], "kubeflow.steps.Tuner: the pipeline"),
        ("vertex", ["vertex.steps.Xyz.cpu.limit=1"], "there are: all, Baseline, DataGate"),
        ("kubeflow", ["kubeflow.steps.Pusher.cache=true"], "Pusher cannot be cached"),
        ("kubeflow", ["kubeflow.steps.Baseline.cache=true"], "Baseline cannot be cached"),
        ("kubeflow", ["kubeflow.steps.ExampleGen.cache=true"], "ExampleGen cannot be cached"),
        ("vertex", ["vertex.steps.Baseline.cache=true"], "Baseline cannot be cached"),
        ("kubeflow", ["dataset.evaluation.thresholds.bogus.min=1"], "no metric"),
        ("kubeflow", ["dataset.columns.no_such={role: numeric}"], "which schema.pbtxt does not"),
    ],
)
def test_what_cannot_be_compiled_is_told(target, settings, told):
    config = load(target, *settings)
    runner = importlib.import_module(f"tfxkit.kubeflow.runners.{target}")
    with pytest.raises(ConfigError) as error:
        runner.compile_package(config, CONFIGS)
    assert told in str(error.value)


@pytest.mark.parametrize(
    ("path", "claims", "warned"),
    [
        ("/data", "{}", True),
        ("/data", "{/data: {claim: trips}}", False),
        ("/data/taxi", "{/data: {claim: trips}}", False),
        ("/database", "{/data: {claim: trips}}", True),
        ("s3://bucket/data", "{}", False),
    ],
)
def test_a_source_on_no_volume_is_warned_of(path, claims, warned, tmp_path, capfd):
    settings = (f"data.path={path}", f"kubeflow.steps.ExampleGen.claims={claims}")
    options = [part for setting in settings for part in ("--set", setting)]
    assert cli.main(["compile", *options, "--set", f"outputs={tmp_path}"]) == 0
    shown = capfd.readouterr().out
    told = f"Warning: data.path: '{path}' is in no volume that ExampleGen mounts" in shown
    assert told is warned


def test_a_configuration_is_refused_before_tensorflow_is_imported(tmp_path):
    settings = ("train.epoch=1", "dataset.columns.fair={role: numeric}", "data.path=here")
    commands = [
        [subcommand, "--target", target, "--set", setting]
        for subcommand in ("compile", "submit")
        for target in TARGETS
        for setting in settings
    ]
    commands += [["compile", "--target", target, "--config", "fast"] for target in TARGETS]
    outputs = ["--set", f"outputs={tmp_path}"]
    codes, heavy, told = exit_codes_and_heavy_imports([c + outputs for c in commands], SAMPLE)
    assert codes == [2] * len(commands), told
    assert heavy == []
    for words in ("did you mean epochs?", "did you mean fare?", "data.path: 'here'"):
        assert told.count(words) == 2 * len(TARGETS)
    assert told.count("There is no section") == len(TARGETS)


def test_the_verb_writes_and_tells_what_is_next(tmp_path, capfd, compiled):
    given = ("data.spans=last:2", "kubeflow.image=example.org/trips:1")
    expected = compiled("kubeflow", *given)
    settings = [word for one in (f"outputs={tmp_path}", *given) for word in ("--set", one)]
    assert cli.main(["compile", *WHERE, *settings]) == 0
    file = tmp_path / PIPELINE / "kubeflow.yaml"
    shown = capfd.readouterr().out
    assert str(file) in shown
    assert "\n  spans        last:2\n" in shown and "/mnt/pipeline/data" in shown
    assert "python -m pipeline submit --target kubeflow" in shown
    assert len(shown.splitlines()) < 15  # what the libraries have to say is in the log
    assert read_package(file) == expected


@pytest.mark.parametrize("target", TARGETS)
def test_the_verb_tells_which_examples_of_the_configuration_are_left(target, tmp_path, capfd):
    options = ["--target", target, "--set", f"outputs={tmp_path}"]
    assert cli.main(["compile", *WHERE, *options]) == 0
    shown = capfd.readouterr().out
    assert f"Not ready to start: These are still the examples of configs/{target}.yaml" in shown
    image = load(target).model_dump()[target]["image"]
    assert f"\n  {target}.image: {image}\n" in shown
    assert f"make image IMAGE=NAME); {target}.image is its NAME." in shown
    assert "pipeline submit" not in shown  # which would refuse it


def test_an_outputs_folder_that_cannot_be_made_is_told(tmp_path, capfd):
    (tmp_path / "file").touch()
    assert cli.main(["compile", *WHERE, "--set", f"outputs={tmp_path / 'file' / 'x'}"]) == 2
    assert "the key outputs of the configuration" in capfd.readouterr().err


@pytest.mark.parametrize("target", TARGETS)
def test_check_passes_what_compile_writes(target, tmp_path, compiled):
    file = tmp_path / "package.yaml"
    write_package(compiled(target), file)
    assert cli.main(["compile", "--check", str(file), "--target", target]) == 0


def test_check_names_what_is_wrong(tmp_path, capsys, compiled):
    file = tmp_path / "package.yaml"
    write_package(compiled("kubeflow"), file)
    text = file.read_text()
    assert text.count("schemaVersion: 2.1.0") == 1
    file.write_text(text.replace("schemaVersion: 2.1.0", "schemaVersion: 2.0.0"))
    assert cli.main(["compile", "--check", str(file)]) == 2
    assert "2.1.0" in capsys.readouterr().err


def test_a_package_that_would_be_refused_is_not_written(tmp_path, capfd, monkeypatch):
    from tfxkit.kubeflow import checks

    monkeypatch.setattr(checks, "find_problems", lambda *_: ["Trainer: no."])
    file = tmp_path / "package.yaml"
    assert cli.main(["compile", *WHERE, "-o", str(file), "--set", f"outputs={tmp_path}"]) == 2
    assert "Trainer: no." in capfd.readouterr().err
    assert not file.exists()


@pytest.mark.kubeflow
def test_another_checkout_and_another_process_give_the_same_bytes(tmp_path, compiled):
    copy = tmp_path / "elsewhere"
    copy_with_code(copy)
    program = (
        "from tfxkit import cli\n"
        f"for target in {TARGETS}:\n"
        "    assert cli.main(['compile', '--target', target, '-o', target]) == 0"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=copy,
        env={**os.environ, "PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for target in TARGETS:
        assert (copy / target).read_text() == to_yaml(compiled(target))


def test_no_path_of_this_machine_is_in_a_package(compiled):
    for target in TARGETS:
        assert str(ROOT) not in json.dumps(compiled(target, *ALL_ON).spec)
