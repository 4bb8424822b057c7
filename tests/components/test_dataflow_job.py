"""The job that Dataflow is sent for a step: image, workers, places; its code is in the image."""

from __future__ import annotations

import json

import pytest
from tfx.components.statistics_gen.executor import Executor as StatisticsGen
from tfx.dsl.components.base import base_beam_executor
from tfx.types import artifact_utils, standard_artifacts

from pipeline.config import load
from tests.google_cloud import BUCKET, GoogleCloud
from tests.sample_project import CONFIGS

pytest_plugins = ["tests.google_cloud"]

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


@pytest.fixture
def sent(google_cloud: GoogleCloud, tmp_path):
    """What StatisticsGen sends, whose examples lie on Cloud Storage."""
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
    context = base_beam_executor.BaseBeamExecutor.Context(
        beam_pipeline_args=args, tmp_dir=str(tmp_path), unique_id="1"
    )
    StatisticsGen(context).Do(
        {"examples": [examples]}, {"statistics": [statistics]}, {"exclude_splits": "[]"}
    )
    [job] = google_cloud.jobs
    return job, google_cloud.objects


def test_x(sent):
    job, objects = sent
    print(json.dumps(job, indent=1)[:7000])
    print(objects.keys())
    assert 0
