"""Artifacts: through the store, and through the metadata store."""

import pytest

from tests.kubeflow.emulator.package import read
from tests.kubeflow.emulator.uris import artifact_bucket, root_bucket
from tests.kubeflow.small_packages import MODEL, SHOW, Script, shown, spec_of, text_of

MAKE = """
os.makedirs(folder(target("model")["uri"]) + "/empty")
with open(folder(target("model")["uri"]) + "/weights", "w") as file:
    file.write("42")
"""


def test_an_artifact_travels_through_the_store(run_scripts, s3):
    take = """
    place = folder(source("in")["uri"])
    print(os.listdir(place), open(place + "/weights").read())
    print("GIVEN", json.dumps(given))
    """
    scripts = {
        "A": Script(MAKE, makes=["model"]),
        "B": Script(take, sources={"in": ("A", "model")}),
    }

    found = run_scripts(scripts)

    assert found.state == "SUCCEEDED"
    assert "['weights'] 42" in found.log("B")  # the empty folder is lost
    artifact = found.artifact("A", "model")
    bucket = artifact_bucket(artifact.uri)
    assert artifact.uri.startswith(f"minio://{s3.bucket}/artifacts/small/{found.id}/A/")
    assert list(s3.store.keys(bucket, bucket.key(artifact.uri))) == [
        f"{bucket.key(artifact.uri)}/weights"
    ]
    source = shown(found, "B")["inputs"]["artifacts"]["in"]["artifacts"][0]
    assert source["type"] == {"instanceSchema": ""}  # the type is lost too
    assert source["name"] == str(artifact.id)
    assert artifact.type_name == "tfx.Model"


def test_an_artifact_whose_name_goes_on_is_another(s3, tmp_path):
    bucket = root_bucket(f"s3://{s3.bucket}/x")
    (tmp_path / "file").write_text("x")
    for key in ("x/model/file", "x/model-2/file"):
        s3.store.upload(str(tmp_path / "file"), bucket, key)

    s3.store.download(bucket, "x/model", str(tmp_path / "got"))

    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "got"]
    assert [path.name for path in (tmp_path / "got").iterdir()] == ["file"]


@pytest.mark.parametrize("scheme", ["minio", "s3", "gs"])
def test_all_schemes_have_folders_of_their_own(run_scripts, s3, scheme):
    script = Script(MAKE, makes=["model"])

    found = run_scripts({"A": script}, default_pipeline_root=f"{scheme}://{s3.bucket}/x")

    assert found.artifact("A", "model").uri.startswith(f"{scheme}://{s3.bucket}/x/small/")


def test_a_root_that_is_no_bucket_fails_the_run(run_scripts):
    found = run_scripts({"A": Script()}, default_pipeline_root="/mnt/data")

    assert found.state == "FAILED"
    assert "unrecognized pipeline root format" in found.failures["root-driver"]


def test_metadata_comes_back_as_the_store_keeps_it(run_scripts):
    metadata = "{'n': 1, 'x': 0.5, 'b': True, 'l': [1], 'd': {'a': 1}, 's': 'text'}"
    scripts = {
        "A": Script(
            f"answer({{'model': {{**target('model'), 'metadata': {metadata}}}}})", makes=["model"]
        ),
        "B": Script(SHOW, sources={"in": ("A", "model")}),
    }

    source = shown(run_scripts(scripts), "B")["inputs"]["artifacts"]["in"]["artifacts"][0]

    session = source["metadata"].pop("store_session_info")
    assert "minio" in session
    assert source["metadata"] == {
        "n": 1,
        "x": 0.5,
        "b": 1,
        "l": {"list": [1]},
        "d": {"struct": {"a": 1}},
        "s": "text",
        "display_name": "model",
    }


@pytest.mark.parametrize(
    ("code", "failure"),
    [
        (
            "answer({'model': {'metadata': {'x': None}}})",
            "unknown/unsupported value type *structpb.Value_NullValue",
        ),
        ("answer({'model': {'uri': 'minio://other/x'}})", "does not have expected bucket prefix"),
        (
            "answer({'model': {'uri': target('model')['uri'].replace(target('model')['uri']"
            ".split('/')[5], 'other-run')}})",
            "does not have expected bucket prefix",
        ),
        ("answer(nonsense=1)", "failed to unmarshall ExecutorOutput"),
        ("sys.exit(3)", "exit status 3"),
        ("os.kill(os.getpid(), 9)", "exit status 137"),
    ],
)
def test_a_step_fails(run_scripts, code, failure):
    found = run_scripts({"A": Script(code, makes=["model"])})

    assert found.state == "FAILED"
    assert failure in found.failures["A"]


def test_an_output_of_an_unknown_scheme_is_lost_without_a_word(run_scripts, s3):
    code = f"{MAKE}\nanswer({{'model': {{'uri': folder(target('model')['uri'])}}}})"

    found = run_scripts({"A": Script(code, makes=["model"])})

    assert found.state == "SUCCEEDED"
    bucket = root_bucket(f"minio://{s3.bucket}/root")
    assert [key for key in s3.store.keys(bucket, "root/") if "weights" in key] == []


def test_what_a_step_prints_is_kept_even_if_it_fails(run_scripts, s3):
    found = run_scripts({"A": Script("print('words'); sys.exit(1)")})

    artifact = found.artifact("A", "executor-logs")
    bucket = artifact_bucket(artifact.uri)
    assert artifact.uri.endswith("/executor-logs-0")
    assert artifact.type_name == "system.Artifact"
    assert s3.store.read(bucket, bucket.key(artifact.uri)) == b"words\n"


def test_a_backend_of_old_knows_no_logs_and_another_file(run_scripts):
    script = Script(
        "os.makedirs(os.path.dirname(given['outputs']['outputFile']))\nanswer()\n" + SHOW,
        makes=["model"],
    )

    found = run_scripts({"A": script}, executor_logs=False, output_file_in_task_root=False)

    outputs = shown(found)["outputs"]
    assert list(outputs["artifacts"]) == ["model"]
    assert outputs["outputFile"].endswith("/tmp/kfp_outputs/output_metadata.json")


def importer(uri, **more):
    spec = spec_of(
        {"I": Script(makes=["model"]), "B": Script(SHOW, sources={"in": ("I", "model")})}
    )
    spec["deploymentSpec"]["executors"]["I_executor"] = {
        "importer": {"artifactUri": uri, "typeSchema": MODEL, **more}
    }
    return spec


def test_an_importer_names_what_lies_there_already(make_backend, s3, tmp_path):
    (tmp_path / "file").write_text("x")
    bucket = root_bucket(f"minio://{s3.bucket}/elsewhere")
    s3.store.upload(str(tmp_path / "file"), bucket, "elsewhere/model/file")
    uri = f"minio://{s3.bucket}/elsewhere/model"
    spec = importer({"constant": uri}, metadata={"n": 1})

    runs = []
    backend = make_backend()
    for _ in range(2):
        runs.append(backend.create_run(read(text_of(spec))))
        assert runs[-1].wait() == "SUCCEEDED", runs[-1].failures

    source = shown(runs[0], "B")["inputs"]["artifacts"]["in"]["artifacts"][0]
    assert (source["uri"], source["metadata"]["n"]) == (uri, 1)
    assert runs[0].artifact("I", "model").id == runs[1].artifact("I", "model").id


def test_an_importer_without_an_address_fails(make_backend):
    run = make_backend().create_run(read(text_of(importer({"constant": ""}))))

    assert run.wait() == "FAILED"
    assert "empty Artifact URI constant value" in run.failures["I"]
    assert run.phases() == {"B": "Omitted", "I": "Failed"}
