"""The checks and the emulator of the backend, held against each other.

Both were written from the same sources, apart from each other. What the emulator refuses, the
checks find (`test_package_checks.py` has the sentences); and what they find beyond that is worth
finding, as the backend says nothing of it.
"""

from __future__ import annotations

import pytest
import yaml

from tests.kubeflow.broken_packages import FAILING, REFUSED, SILENT
from tests.kubeflow.emulator.backend import Backend
from tests.kubeflow.emulator.errors import BackendError
from tests.kubeflow.emulator.package import read
from tests.kubeflow.emulator.settings import Settings
from tests.kubeflow.idle import IdleSteps, NoFiles
from tests.kubeflow.whole_package import package
from tfxkit.kubeflow.checks import find_problems, structure
from tfxkit.kubeflow.package import Package, to_yaml


@pytest.fixture(scope="module")
def backend(tmp_path_factory):
    folder = tmp_path_factory.mktemp("backend")
    with Backend(NoFiles(), IdleSteps(), folder, Settings(executor_logs=False)) as backend:
        yield backend


def started(backend, package):
    root = package.spec.get("defaultPipelineRoot", "")
    return backend.create_run(read(to_yaml(package)), {}, root)


def test_the_backend_runs_what_works(backend):
    assert started(backend, package()).wait() == "SUCCEEDED"


@pytest.mark.parametrize("change", [change for change, _ in REFUSED], ids=[t for _, t in REFUSED])
def test_the_backend_refuses_these(change, backend):
    with pytest.raises(BackendError):
        started(backend, package(change))


@pytest.mark.parametrize("change", [change for change, _ in FAILING], ids=[t for _, t in FAILING])
def test_the_backend_takes_these_and_fails(change, backend):
    assert started(backend, package(change)).wait() == "FAILED"


@pytest.mark.parametrize("change", [change for change, _ in SILENT], ids=[t for _, t in SILENT])
def test_the_backend_says_nothing_of_these(change, backend):
    assert started(backend, package(change)).wait() == "SUCCEEDED"


# What TFX 1.21 compiles as it stands.


@pytest.fixture(scope="module")
def stock(tmp_path_factory):
    """Compiles a pipeline with TFX's own runner: `stock(schema)`, its first document."""
    from tfx.components import CsvExampleGen, StatisticsGen
    from tfx.dsl.components.common.resolver import Resolver
    from tfx.dsl.input_resolution.strategies import latest_blessed_model_strategy
    from tfx.orchestration import pipeline
    from tfx.orchestration.kubeflow.v2 import kubeflow_v2_dag_runner as v2
    from tfx.types import Channel, standard_artifacts

    folder = tmp_path_factory.mktemp("stock")

    def compile_stock(schema: str) -> dict:
        example_gen = CsvExampleGen(input_base="/mnt/data")
        statistics = StatisticsGen(examples=example_gen.outputs["examples"])
        resolver = Resolver(
            strategy_class=latest_blessed_model_strategy.LatestBlessedModelStrategy,
            model=Channel(type=standard_artifacts.Model),
            model_blessing=Channel(type=standard_artifacts.ModelBlessing),
        ).with_id("latest_blessed_model_resolver")
        name = "package.yaml" if schema == "2.1" else "package.json"
        config = v2.KubeflowV2DagRunnerConfig(
            default_image="example.org/tfx:1.21.0", use_pipeline_spec_2_1=schema == "2.1"
        )
        v2.KubeflowV2DagRunner(config, str(folder), name).run(
            pipeline.Pipeline("stock", str(folder), components=[example_gen, statistics, resolver])
        )
        return yaml.safe_load((folder / name).read_text())

    return compile_stock


RESOLVERS = [
    f"latest_blessed_model_resolver-model-{end}" for end in ("blessing-resolver", "resolver")
]
STOCK = [
    *(f"{name}: is a resolver, which only Vertex has" for name in RESOLVERS),
    *(f"{name}: Argo takes letters, digits and '-' only" for name in RESOLVERS),
    "CsvExampleGen: it starts TFX's own entrypoint",
    "StatisticsGen: it starts TFX's own entrypoint",
    "CsvExampleGen: lifecycle.preCacheCheck never runs",
]
STOCK_2_0 = [
    "has schema version 2.0.0",
    "CsvExampleGen: its parameters input_base, input_config",
    "StatisticsGen: its parameters exclude_splits have no parameterType",
    "StatisticsGen: its parameters exclude_splits have constants in the form of schema 2.0",
]


@pytest.mark.slow
def test_stock_tfx_is_found_wanting_for_all_its_reasons(stock):
    problems = find_problems(Package(stock("2.1")), "kubeflow")
    for reason in STOCK:
        assert [problem for problem in problems if problem.startswith(reason)], reason
    assert len(problems) == len(STOCK)


@pytest.mark.slow
def test_stock_tfx_in_its_older_form_too(stock):
    job = stock("2.0")
    assert find_problems(Package(job), "kubeflow") == [structure.unreadable(job)]
    problems = find_problems(Package(job["pipelineSpec"]), "kubeflow")
    for reason in STOCK + STOCK_2_0:
        assert [problem for problem in problems if reason in problem], reason


@pytest.mark.slow
def test_vertex_takes_stock_tfx(stock):
    spec = stock("2.1") | {"defaultPipelineRoot": "gs://bucket/root"}
    assert find_problems(Package(spec), "vertex") == []
