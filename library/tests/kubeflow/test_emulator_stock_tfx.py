"""A package as TFX 1.21 compiles it is refused, and dies if its refused parts are taken away."""

import json

import pytest
import yaml

from tests.kubeflow.emulator.compiler import compile_workflow
from tests.kubeflow.emulator.errors import BackendError
from tests.kubeflow.emulator.package import read

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def stock(tmp_path_factory):
    """Compiles pipelines with TFX's own runner: `stock("2.1", [component, …])`."""
    from tfx.orchestration import pipeline
    from tfx.orchestration.kubeflow.v2 import kubeflow_v2_dag_runner as v2

    folder = tmp_path_factory.mktemp("stock")

    def compile_stock(schema, components):
        config = v2.KubeflowV2DagRunnerConfig(
            default_image="registry.example.com/tfx:1.21.0",
            use_pipeline_spec_2_1=schema == "2.1",
        )
        name = "package.yaml" if schema == "2.1" else "package.json"
        v2.KubeflowV2DagRunner(config, str(folder), name).run(
            pipeline.Pipeline("stock", "minio://mlpipeline/v2/artifacts", components=components)
        )
        return (folder / name).read_text()

    return compile_stock


def csv_example_gen(input_base="/mnt/data"):
    from tfx.components import CsvExampleGen

    return CsvExampleGen(input_base=str(input_base))


def latest_blessed_model():
    from tfx.dsl.components.common.resolver import Resolver
    from tfx.dsl.input_resolution.strategies.latest_blessed_model_strategy import (
        LatestBlessedModelStrategy,
    )
    from tfx.types import Channel
    from tfx.types.standard_artifacts import Model, ModelBlessing

    return Resolver(
        strategy_class=LatestBlessedModelStrategy,
        model=Channel(type=Model),
        model_blessing=Channel(type=ModelBlessing),
    ).with_id("latest_blessed_model_resolver")


def refusal(text):
    with pytest.raises(BackendError) as caught:
        compile_workflow(read(text), {})
    return caught.value.message()


def test_schema_2_0_is_refused(stock):
    job = json.loads(stock("2.0", [csv_example_gen()]))

    assert "unknown template format" in refusal(json.dumps(job))
    assert "version 2.1.0, but the pipeline spec has version 2.0.0" in refusal(
        json.dumps(job["pipelineSpec"])
    )


def test_a_resolver_is_refused(stock):
    text = refusal(stock("2.1", [csv_example_gen(), latest_blessed_model()]))

    assert "non-container and non-importer executor not implemented" in text


def test_the_names_of_its_tasks_would_be_refused_next(stock):
    spec = yaml.safe_load(stock("2.1", [csv_example_gen(), latest_blessed_model()]))
    executors = spec["deploymentSpec"]["executors"]
    for label, executor in executors.items():
        if "resolver" in executor:
            executors[label] = executors["CsvExampleGen_executor"]

    text = refusal(yaml.safe_dump(spec))

    assert "'latest_blessed_model_resolver-model-blessing-resolver-driver' is invalid" in text


@pytest.mark.kubeflow
@pytest.mark.parametrize(
    ("executor_logs", "last_words"),
    [
        (True, "Could not import system.Artifact"),
        # Before 2.5 there was no such output, and the step died of its folder.
        (False, "Unable to get filesystem from specified path"),
    ],
)
def test_its_first_step_dies(stock, make_backend, tmp_path, executor_logs, last_words):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "rows.csv").write_text("x,y\n1,2\n3,4\n")
    backend = make_backend(executor_logs=executor_logs)

    run = backend.create_run(read(stock("2.1", [csv_example_gen(tmp_path / "data")])))

    assert run.wait() == "FAILED"
    assert last_words in run.log("CsvExampleGen")


@pytest.mark.kubeflow
def test_a_step_with_inputs_dies_of_their_empty_types(stock, make_backend, s3):
    from tfx.components import StatisticsGen
    from tfx.dsl.components.common.importer import Importer
    from tfx.types.standard_artifacts import Examples

    examples = Importer(source_uri=f"minio://{s3.bucket}/examples", artifact_type=Examples).with_id(
        "Given"
    )
    statistics_gen = StatisticsGen(examples=examples.outputs["result"])
    backend = make_backend(executor_logs=False)

    run = backend.create_run(read(stock("2.1", [examples, statistics_gen])))

    assert run.wait() == "FAILED"
    assert run.phases() == {"Given": "Succeeded", "StatisticsGen": "Failed"}
    assert "AttributeError: 'NoneType' object has no attribute 'get'" in run.log("StatisticsGen")
