"""The store of the emulated cluster: what one cluster leaves is not there in the next."""

from __future__ import annotations

from tests.kubeflow.cluster import running


def test_a_new_cluster_has_no_models_and_no_data_of_an_earlier_one(tmp_path):
    for name in ("first", "second"):
        configs = tmp_path / name
        configs.mkdir()
        with running(tmp_path / f"{name}-runs", configs, tmp_path) as cluster:
            assert cluster.keys("") == cluster.versions() == []
            assert cluster.keys("", "mlpipeline") == []
            cluster.put_span(1, "fare\n1\n")
            cluster.s3.put_object(Bucket="taxi", Key="serving/1/saved_model.pb", Body=b"")
            cluster.s3.put_object(Bucket="mlpipeline", Key="v2/artifacts/page.html", Body=b"")
            assert cluster.versions() == ["1"]
