"""The job that Dataflow is sent for a step: image, workers, places; its code is in the image."""

from __future__ import annotations

import json

import pytest
from apache_beam.portability.api import beam_runner_api_pb2
from tfx.components.statistics_gen.executor import Executor as StatisticsGen
from tfx.dsl.components.base import base_beam_executor
from tfx.types import artifact_utils, standard_artifacts

from tests.google_cloud import BUCKET, GoogleCloud
from tests.sample_project import CONFIGS
from tfxkit import compat
from tfxkit.config.loading import load

pytest_plugins = ["tests.google_cloud"]

pytestmark = pytest.mark.slow

WORKER_IP_PRIVATE = 2  # google.cloud.dataflow_v1beta3.WorkerIPAddressConfiguration
IMAGE = "europe-west1-docker.pkg.dev/my-project/pipelines/sdk:1"
SECTION = {
    "project": "my-project",
    "region": "europe-west1",
    "temp_location": f"gs://{BUCKET}/temp",
    "sdk_container_image": IMAGE,
    "machine_type": "n2-standard-4",
    "max_num_workers": 20,
    "disk_size_gb": 50,
    "service_account_email": "workers@my-project.iam.gserviceaccount.com",
    "subnetwork": "regions/europe-west1/subnetworks/pipelines",
}


def test_the_job_of_statistics_gen(google_cloud: GoogleCloud, tmp_path):
    settings = [
        "beam.engine=dataflow",
        f"beam.dataflow={json.dumps(SECTION)}",
        f"beam.options.dataflow_endpoint={google_cloud.address}",
    ]
    for split in ("train", "eval"):
        google_cloud.objects[f"examples/Split-{split}/data_tfrecord-00000-of-00001.gz"] = b"x"
    args = load(CONFIGS, (), settings).beam.pipeline_args()
    examples = standard_artifacts.Examples()
    examples.uri = f"gs://{BUCKET}/examples"
    examples.split_names = artifact_utils.encode_split_names(["train", "eval"])
    statistics = standard_artifacts.ExampleStatistics()
    statistics.uri = f"gs://{BUCKET}/statistics"
    compat.apply(*compat.BEAM)  # as each step does
    context = base_beam_executor.BaseBeamExecutor.Context(
        beam_pipeline_args=args, tmp_dir=str(tmp_path), unique_id="1"
    )
    StatisticsGen(context).Do(
        {"examples": [examples]}, {"statistics": [statistics]}, {"exclude_splits": "[]"}
    )

    [job] = google_cloud.jobs
    environment = job["environment"]
    assert "use_runner_v2" in environment["experiments"]
    assert environment["serviceAccountEmail"] == SECTION["service_account_email"]
    assert environment["tempStoragePrefix"].startswith(f"storage.googleapis.com/{BUCKET}/temp/")
    [workers] = environment["workerPools"]
    assert [image["containerImage"] for image in workers["sdkHarnessContainerImages"]] == [IMAGE]
    assert workers["workerHarnessContainerImage"] == IMAGE
    assert workers["machineType"] == SECTION["machine_type"]
    assert workers["diskSizeGb"] == SECTION["disk_size_gb"]
    assert workers["autoscalingSettings"]["maxNumWorkers"] == SECTION["max_num_workers"]
    assert workers["subnetwork"] == SECTION["subnetwork"]
    assert workers["ipConfiguration"] == WORKER_IP_PRIVATE

    # The steps of the job, and a list of versions; neither TFX nor this project is packed.
    staged = {name.rpartition("/")[2]: name for name in google_cloud.objects if "temp/" in name}
    assert staged.keys() == {"pipeline.pb", "submission_environment_dependencies.txt"}
    sent = beam_runner_api_pb2.Pipeline.FromString(google_cloud.objects[staged["pipeline.pb"]])
    names = {transform.unique_name for transform in sent.components.transforms.values()}
    assert {"GenerateStatistics[train]", "GenerateStatistics[eval]"} <= names
    [docker] = sent.components.environments.values()
    assert beam_runner_api_pb2.DockerPayload.FromString(docker.payload).container_image == IMAGE
