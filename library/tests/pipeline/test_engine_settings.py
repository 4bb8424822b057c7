"""Engines: the arguments of Beam for each, and the message where one cannot be used."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import grpc
import pytest
from apache_beam.portability.api import beam_job_api_pb2, beam_job_api_pb2_grpc

import tfxkit.config.loading as configs
from tests.engines.processes import free_port
from tests.sample_project import CONFIGS, DATA
from tfxkit import cli
from tfxkit.config.loading import ConfigError
from tfxkit.config.selection import ConfigSelection, Engine
from tfxkit.runs.outcome import explain
from tfxkit.runs.outputs import Outputs
from tfxkit.runs.summary import Status

DATAFLOW = (
    "beam.dataflow={project: my-project, region: europe-west1, temp_location: 'gs://bucket/tmp', "
    "sdk_container_image: eu.gcr.io/my-project/sdk:1}"
)


def args_of(*settings: str) -> list[str]:
    return configs.load(CONFIGS, (), settings).beam.pipeline_args()


def test_flink():
    assert args_of("beam.engine=flink", "beam.flink.parallelism=8", "beam.workers=3") == [
        "--runner=PortableRunner",
        "--job_endpoint=localhost:8099",
        "--environment_type=EXTERNAL",
        "--environment_config=localhost:50000",
        "--sdk_worker_parallelism=1",
        "--environment_cache_millis=60000",
        "--sdk_container_image=none",
        "--parallelism=8",
    ]
    assert "--parallelism=8" not in args_of("beam.engine=flink")


def test_spark():
    settings = ["beam.engine=spark", "beam.spark={job_endpoint: 'spark-jobs:1', sdk_workers: 4}"]
    settings.append("beam.spark.artifact_endpoint=spark-jobs:2")
    assert args_of(*settings, "beam.options.job_name=x") == [
        "--runner=PortableRunner",
        "--job_endpoint=spark-jobs:1",
        "--artifact_endpoint=spark-jobs:2",
        "--environment_type=EXTERNAL",
        "--environment_config=localhost:50000",
        "--sdk_worker_parallelism=4",
        "--environment_cache_millis=60000",
        "--sdk_container_image=none",
        "--job_name=x",
    ]


def test_dataflow():
    assert args_of("beam.engine=dataflow", DATAFLOW, "beam.dataflow.max_num_workers=20") == [
        "--runner=DataflowRunner",
        "--project=my-project",
        "--region=europe-west1",
        "--temp_location=gs://bucket/tmp",
        "--sdk_container_image=eu.gcr.io/my-project/sdk:1",
        "--max_num_workers=20",
        "--no_use_public_ips",
        "--sdk_location=container",
    ]


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        (["beam.engine=hadoop"], "beam.engine: Input should be 'direct', 'flink', 'spark' or"),
        (["beam.engine=dataflow"], "needs the section beam.dataflow: project, region, temp_loc"),
        (["beam.dataflow={region: europe-west1}"], "beam.dataflow.project: Field required"),
        ([DATAFLOW, "beam.dataflow.temp_location=/tmp"], "beam.dataflow.temp_location: "),
        ([DATAFLOW, "beam.dataflow.sdk_container_image=sdk"], "beam.dataflow.sdk_container_image"),
        (["beam.flink.job_endpoint=localhost"], "beam.flink.job_endpoint: "),
        (["beam.spark.worker_pool=http://a:1"], "beam.spark.worker_pool: "),
        (["beam.flink.parallelism=0"], "beam.flink.parallelism: "),
    ],
)
def test_what_cannot_be_is_named(settings, named):
    with pytest.raises(ConfigError) as error:
        args_of(*settings)
    assert named in str(error.value)


@pytest.fixture
def project(tmp_path):
    shutil.copytree(CONFIGS, tmp_path / "configs")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "taxi").symlink_to(DATA)
    return ["--config", "fast", "--config-dir", str(tmp_path / "configs")]


@pytest.mark.parametrize("engine", ["flink", "spark"])
def test_a_job_server_that_is_not_there_is_told_before_the_first_step(
    project, engine, capfd, tmp_path
):
    port = free_port()
    setting = f"beam.{engine}.job_endpoint=localhost:{port}"
    assert cli.main(["run", *project, "--engine", engine, "--set", setting]) == 2
    out, err = capfd.readouterr()
    first, *others = err.splitlines()
    assert first == f"Beam's job server at localhost:{port} does not answer (Connection refused)."
    assert f"beam.{engine}.job_endpoint" in others[0]
    assert "Traceback" not in err and not out
    assert not (tmp_path / "outputs").exists()


def test_dataflow_cannot_see_a_folder_of_this_machine(project, capfd):
    assert cli.main(["run", *project, "--engine", "dataflow", "--set", DATAFLOW]) == 2
    assert "Dataflow cannot read or write a folder of this machine" in capfd.readouterr().err


@pytest.mark.parametrize("subcommand", ["run", "resume"])
def test_the_command_line_knows_the_engines(subcommand, capfd):
    with pytest.raises(SystemExit, match="2"):
        cli.main([subcommand, "--engine", "hadoop"])
    told = capfd.readouterr().err
    assert all(engine.value in told for engine in Engine)


def test_a_job_server_that_goes_during_a_step_is_named(tmp_path):
    with grpc.insecure_channel(f"localhost:{free_port()}") as channel:
        stub = beam_job_api_pb2_grpc.JobServiceStub(channel)
        with pytest.raises(grpc.RpcError) as error:
            stub.GetState(beam_job_api_pb2.GetJobStateRequest(job_id="x"))
    outputs = Outputs(tmp_path, ConfigSelection(("flink",)))
    status, message = explain(error.value, outputs, tmp_path / "run.log")
    assert status is Status.FAILED
    advice = "Start it again, then resume: python -m pipeline resume --config flink"
    assert message.startswith(f"The engine's job server is gone. {advice}\n")


@pytest.mark.slow
def test_what_another_engine_has_done_is_reused():
    """TFX's cache compares the executors, with the arguments of Beam in them."""
    from tfx.orchestration.local import runner_utils

    from tfxkit.runs import runner
    from tfxkit.runs.places import Places

    def executors(*settings: str):
        places = Places(
            data="/d", schema=str(CONFIGS / "schema.pbtxt"), serving="/s", checkpoints="/c",
            bulk_data="",
        )  # fmt: skip
        found = configs.load(CONFIGS, ["fast"], settings)
        with tempfile.TemporaryDirectory() as folder:
            ir = runner.compile_pipeline(found, places, Outputs(Path(folder)))
        deployment = runner_utils.extract_local_deployment_config(ir)
        names = [node.pipeline_node.node_info.id for node in ir.nodes]
        return {name: runner_utils.extract_executor_spec(deployment, name) for name in names}

    direct, flink = executors(), executors("beam.engine=flink")
    assert {name for name in direct if direct[name] != flink[name]} == {
        "ExampleGen", "StatisticsGen", "Transform", "Evaluator"
    }  # fmt: skip
    for name, spec in direct.items():
        assert runner.without_beam_args(spec) == runner.without_beam_args(flink[name])
    transform = runner.without_beam_args(direct["Transform"])
    assert transform.python_executor_spec.class_path.endswith("transform.executor.Executor")
