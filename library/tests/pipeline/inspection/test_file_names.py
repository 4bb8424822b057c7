"""`init` writes no name of a file or a pipeline that its own first run refuses."""

import gzip
import io

import pandas
import pytest
import tensorflow as tf

from tests.pipeline.inspection.conftest import ROWS, coin, noise, rows
from tfxkit import cli
from tfxkit.components.example_gen import spans
from tfxkit.config import loading
from tfxkit.config.formats import LONGEST_PIPELINE_NAME
from tfxkit.runs import validation

TABLE = rows(x=noise(1), town=lambda i: ["Ulm", "Bonn"][i % 2], label=coin(1))
LONG = "customer-churn-export-2024-q3-final-version-from-crm-system-europe-region-north"


def file_of(name, text=TABLE):
    content = io.BytesIO()
    if "parquet" in name:
        pandas.read_csv(io.StringIO(text)).to_parquet(content)
        return content.getvalue()
    return gzip.compress(text.encode()) if ".gz" in name else text.encode()


def selected_files(project):
    """Names of the files that a run selects."""
    config = loading.load(project / "configs", ["local"])
    folder = project / config.data.path
    files = spans.select(str(folder), spans.range_config("all")).files
    return [path.removeprefix(f"{folder}/span-1/") for path in files]


@pytest.mark.parametrize(
    ("names", "copies"),
    [
        (["_export.csv"], ["export.csv"]),
        ([".hidden.csv"], ["hidden.csv"]),
        (["-.csv"], ["data.csv"]),
        ([".csv"], ["data.csv"]),
        (["a.csv~"], ["a.csv"]),
        (["a.tmp"], ["a.csv"]),
        (["a.tmp.csv"], ["a.csv"]),
        (["table"], ["table.csv"]),
        (["a.CSV"], ["a.csv"]),
        (["ü (1).csv"], ["ü (1).csv"]),
        (["a.2024.csv", "a.2025.csv"], ["a.2024.csv", "a.2025.csv"]),
        (["a.csv", "A.csv"], ["A-2.csv", "a.csv"]),
        (["a.csv", "a.csv.gz"], ["a-2.csv.gz", "a.csv"]),
        (["a.txt", "a.csv.gz", "a.csv"], ["a-2.csv.gz", "a-3.csv", "a.csv"]),
        (["_a.csv", "a.csv", "a-2.csv"], ["a-2-2.csv", "a-2.csv", "a.csv"]),
        (["a.gz"], ["a.csv.gz"]),
        (["part.parquet", "part.parquet.0"], ["part.parquet", "part.parquet.0.parquet"]),
        (["x" * 251 + ".csv"], ["x" * 200 + ".csv"]),
    ],
    ids=str,
)
def test_each_file_is_copied_under_a_name_that_a_run_reads(names, copies, init, project, tmp_path):
    for name in names:
        (tmp_path / name).write_bytes(file_of(name))
    assert init(*(tmp_path / name for name in names)) == 0
    assert selected_files(project) == copies


def test_files_of_one_name_in_two_folders(init, project, tmp_path):
    for year in ("2024", "2025"):
        (tmp_path / year).mkdir()
        (tmp_path / year / "part.csv").write_text(TABLE)
    assert init(tmp_path / "2024" / "part.csv", tmp_path / "2025" / "part.csv") == 0
    assert selected_files(project) == ["part-2.csv", "part.csv"]
    assert f"saw: {2 * ROWS} rows" in (project / "configs" / "dataset.yaml").read_text()


def test_a_file_that_is_named_twice_is_refused(init, tmp_path, capfd):
    (tmp_path / "a.csv").write_text(TABLE)
    assert init(tmp_path / "a.csv", tmp_path / "." / "a.csv") == 2
    assert "a.csv is named 2 times" in capfd.readouterr().err


@pytest.mark.parametrize(
    "refused",
    [
        (["a.txt"], "holds a.txt, which is not a file that ends in .csv"),
        (["a.CSV"], "holds a.CSV, which is not a file that ends in .csv"),
        (["a.csv", "a.csv.gz"], "holds both a.csv and a.csv.gz"),
        (["gz.csv"], ".csv has the content of a .csv.gz file"),
        (["parquet.csv"], ".csv has the content of a .parquet file"),
    ],
)
def test_a_folder_of_spans_that_a_run_would_refuse_is_refused(
    refused, init, project, tmp_path, capfd
):
    names, problem = refused
    before = (project / "configs" / "base.yaml").read_bytes()
    (tmp_path / "spans" / "span-1").mkdir(parents=True)
    for name in names:
        content = file_of(name.replace("gz.csv", ".gz"))
        (tmp_path / "spans" / "span-1" / name).write_bytes(content)
    assert init(tmp_path / "spans") == 2
    error = capfd.readouterr().err
    assert problem in error and "Traceback" not in error
    assert (project / "configs" / "base.yaml").read_bytes() == before


def test_spans_with_a_gap_are_refused(init, tmp_path, capfd):
    for span in ("span-1", "span-3"):
        (tmp_path / "spans" / span).mkdir(parents=True)
        (tmp_path / "spans" / span / "a.csv").write_text(TABLE)
    assert init(tmp_path / "spans") == 2
    assert "lacks span 2" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("file", "name"),
    [
        (f"{LONG}.csv", "customer-churn-export-2024-q3-final-version-from-crm"),
        ("x" * 70 + ".csv", "x" * 53),
        ("x" * 53 + ".csv", "x" * 53),
        ("Größe (2).csv", "gro-e-2"),
        ("---.csv", "own-data"),
    ],
)
def test_a_name_derived_from_a_file_leaves_room_for_fast_runs(file, name, init, project, tmp_path):
    (tmp_path / file).write_text(TABLE)
    assert init(tmp_path / file) == 0
    assert loading.load(project / "configs", ["local"]).pipeline == name
    assert loading.load(project / "configs", ["fast"]).pipeline == f"{name}-fast"


@pytest.mark.parametrize(
    ("name", "fast"),
    [
        ("a" * 58, "a" * 53 + "-fast"),
        ("a" * 53 + "-fast", "a" * 52 + "-fast"),
        ("a" * 52 + "-b", "a" * 52 + "-fast"),
    ],
)
def test_the_longest_names_hold_also_for_fast_runs(name, fast, init, project, tmp_path):
    (tmp_path / "a.csv").write_text(TABLE)
    assert init(tmp_path / "a.csv", name=name) == 0
    for overlay, expected in (("local", name), ("fast", fast)):
        config = loading.load(project / "configs", [overlay])
        validation.check(config, project / "configs")
        assert config.pipeline == expected


@pytest.mark.parametrize("length", [59, 70])
def test_a_longer_name_is_refused_with_a_shorter_one(length, init, tmp_path, capfd):
    (tmp_path / "a.csv").write_text(TABLE)
    assert init(tmp_path / "a.csv", name="a" * length) == 2
    error = capfd.readouterr().err
    assert f"at most {LONGEST_PIPELINE_NAME}" in error and repr("a" * 53) in error


@pytest.mark.parametrize(
    "command", [["compile", "--target", "kubeflow"], ["run"], ["config", "show"]]
)
def test_settings_with_a_longer_name_are_refused(command, project, capfd):
    where = ["--config-dir", str(project / "configs")]
    assert cli.main([*command, *where, "--set", f"pipeline={'a' * 70}"]) == 2
    error = capfd.readouterr().err
    assert "pipeline: a pipeline is named with at most 58" in error and "Traceback" not in error
    assert not (project / "outputs").exists()


@pytest.mark.slow
def test_the_first_run_reads_all_rows_of_files_with_odd_names(init, project, tmp_path):
    names = [f"_{LONG}.txt", f"{LONG}.csv.gz", f"{LONG}.csv", "a~"]
    for name in names:
        (tmp_path / name).write_bytes(file_of(name))
    assert init(*(tmp_path / name for name in names)) == 0
    where = ["--config-dir", str(project / "configs"), "--config", "fast"]
    assert cli.main(["run", *where, "--to", "StatisticsGen"]) == 0
    files = [str(file) for file in project.glob("outputs/*-fast/**/Split-*/*.gz")]
    examples = tf.data.TFRecordDataset(files, compression_type="GZIP")
    assert sum(1 for _ in examples) == len(names) * ROWS
