"""The components of our own compile for Kubeflow, where no driver runs."""

import json
from pathlib import Path
from typing import Any

import yaml
from tfx.dsl.components.common.importer import Importer
from tfx.orchestration import pipeline
from tfx.orchestration.kubeflow.v2 import kubeflow_v2_dag_runner
from tfx.types import standard_artifacts

from tests.sample_project import CONFIGS
from tfxkit.components.baseline import Baseline
from tfxkit.components.data_gate import DataGate
from tfxkit.components.evaluator import Evaluator, eval_config
from tfxkit.components.pusher import VersionPusher
from tfxkit.components.serving_check import ServingCheck
from tfxkit.config.dataset import Dataset


def imported(name: str, kind: Any) -> Importer:
    return Importer(source_uri=f"gs://bucket/{name}", artifact_type=kind).with_id(name)


def test_the_three_compile_with_schema_2_1(tmp_path: Path, dataset: dict[str, Any]) -> None:
    kinds = {
        "model": standard_artifacts.Model,
        "schema": standard_artifacts.Schema,
        "examples": standard_artifacts.Examples,
        "statistics": standard_artifacts.ExampleStatistics,
        "transform": standard_artifacts.TransformGraph,
        "blessing": standard_artifacts.ModelBlessing,
    }
    nodes = {name: imported(name, kind) for name, kind in kinds.items()}
    given = {name: node.outputs["result"] for name, node in nodes.items()}
    serving_check = ServingCheck(
        model=given["model"],
        examples=given["examples"],
        transform_graph=given["transform"],
        rebuild_fn="tfxkit.config.dataset.rebuild",
        strip_features=["tips"],
    )
    steps = [
        Baseline("gs://bucket/serving", dataset, schema=given["schema"]),
        serving_check,
        VersionPusher(
            model=given["model"],
            statistics=given["statistics"],
            serving_dir="gs://bucket/serving",
            model_blessing=given["blessing"],
            infra_blessing=serving_check.outputs["blessing"],
        ),
    ]
    runner = kubeflow_v2_dag_runner.KubeflowV2DagRunner(
        config=kubeflow_v2_dag_runner.KubeflowV2DagRunnerConfig(
            default_image="image", use_pipeline_spec_2_1=True
        ),
        output_dir=str(tmp_path),
        output_filename="pipeline.yaml",
    )
    runner.run(
        pipeline.Pipeline(
            pipeline_name="p",
            pipeline_root="gs://bucket/root",
            components=[*nodes.values(), *steps],
        )
    )

    spec = yaml.safe_load((tmp_path / "pipeline.yaml").read_text())
    tasks = spec["root"]["dag"]["tasks"]
    assert spec["schemaVersion"] == "2.1.0"
    assert {"Baseline", "ServingCheck", "Pusher"} <= set(tasks)
    parameters = tasks["Baseline"]["inputs"]["parameters"]
    assert json.loads(parameters["dataset"]["runtimeValue"]["constant"]) == dataset
    assert set(tasks["Pusher"]["inputs"]["artifacts"]) == {
        "model",
        "statistics",
        "model_blessing",
        "infra_blessing",
    }
    for name in ("Baseline", "ServingCheck", "Pusher"):
        arguments = spec["deploymentSpec"]["executors"][f"{name}_executor"]["container"]["args"]
        assert any(argument.endswith("Executor") for argument in arguments)


def test_evaluator_and_data_gate_compile_for_kubeflow(tmp_path):
    importers = {
        kind.TYPE_NAME: Importer(source_uri="gs://somewhere", artifact_type=kind).with_id(
            kind.TYPE_NAME
        )
        for kind in (
            standard_artifacts.Examples,
            standard_artifacts.Model,
            standard_artifacts.Schema,
            standard_artifacts.ExampleStatistics,
            standard_artifacts.ExampleAnomalies,
        )
    }
    examples, model, schema, statistics, anomalies = (
        importer.outputs["result"] for importer in importers.values()
    )
    tree = yaml.safe_load((CONFIGS / "dataset.yaml").read_text())
    description = Dataset.model_validate(tree)
    components = [
        *importers.values(),
        DataGate(
            examples=examples,
            statistics=statistics,
            schema=schema,
            anomalies=anomalies,
            baseline_statistics=statistics,
            dataset=description.for_model(),
            validation=description.validation.model_dump(mode="json"),
        ),
        Evaluator(
            examples=examples,
            model=model,
            baseline_model=model,
            schema=schema,
            eval_config=eval_config(description),
            evaluation=description.evaluation,
        ),
    ]
    runner = kubeflow_v2_dag_runner.KubeflowV2DagRunner(
        kubeflow_v2_dag_runner.KubeflowV2DagRunnerConfig(
            default_image="image", use_pipeline_spec_2_1=True
        ),
        output_dir=str(tmp_path),
        output_filename="pipeline.yaml",
    )
    runner.run(pipeline.Pipeline("gates", str(tmp_path / "root"), components=components))
    spec = yaml.safe_load((tmp_path / "pipeline.yaml").read_text())
    tasks = spec["root"]["dag"]["tasks"]
    assert {"DataGate", "Evaluator"} <= tasks.keys()
    assert {"evaluation", "code_hash"} <= tasks["Evaluator"]["inputs"]["parameters"].keys()
