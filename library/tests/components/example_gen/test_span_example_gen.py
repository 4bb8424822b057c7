"""SpanExampleGen as a step of a pipeline: what it writes, when it runs again, what it refuses."""

import json
import random
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
import tensorflow_data_validation as tfdv
from tfx.components.example_gen.component import FileBasedExampleGen

from tests.components.example_gen.example_gen_run import SPLITS, Runner, values
from tfxkit.components.example_gen.component import SpanExampleGen, resolve_spans
from tfxkit.errors import DataError
from tfxkit.storage import step_cache
from tfxkit.values.reading import Reading

HEADER = "count,price,name\n"


def rows(start, stop, count="{}"):
    return "".join(f"{count.format(i)},{i / 4},n{i % 3}\n" for i in range(start, stop))


@pytest.fixture
def runner(tmp_path, small_schema, write):
    write("data/span-1/a.csv", HEADER + rows(0, 20))
    # The same column with a gap: a data frame would have made it a column of floats.
    write("data/span-2/a.csv", HEADER + rows(20, 29, count="{}.0") + ",1.0,\n")
    write("data/span-2/b.csv", "name,count\nx,100\ny,101\n")
    return Runner(tmp_path, small_schema)


def test_is_the_node_that_tfx_knows_as_file_based_example_gen(small_schema):
    step = SpanExampleGen("data", small_schema, "last:3", SPLITS)
    assert step.id == "ExampleGen"
    assert isinstance(step, FileBasedExampleGen)


def test_its_code_and_that_of_its_reader_are_in_the_cache_key(small_schema, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    hashes = set()
    for reader, source in ((None, ""), ("orders", "1"), ("orders", "2")):
        (tmp_path / "orders.py").write_text(source)
        step = SpanExampleGen("data", small_schema, "all", SPLITS, reader=reader)
        step_cache.add_code_hashes([step])
        hashes.add(step.exec_properties["code_hash"])
    assert len(hashes) == 3


@pytest.mark.slow
def test_spans_of_different_spelling_become_one_artifact(runner):
    runner.run()
    examples = runner.newest()
    assert sorted(values(examples["train"] + examples["eval"], "count"), key=str) == sorted(
        [*range(29), None, 100, 101], key=str
    )
    # Row order: span 1, then the files of span 2 by name.
    for split in examples.values():
        counts = [value for value in values(split, "count") if value is not None]
        assert counts == sorted(counts)
    assert values(examples["train"] + examples["eval"], "price").count(None) == 2
    (artifact,) = runner.artifacts()
    assert json.loads(artifact.custom_properties["spans"].string_value) == [1, 2]
    assert artifact.custom_properties["span"].int_value == 2
    assert artifact.custom_properties["payload_format"].string_value == "FORMAT_TF_EXAMPLE"
    assert json.loads(artifact.properties["split_names"].string_value) == ["train", "eval"]
    assert len(list(Path(artifact.uri, "Split-eval").iterdir())) == 3
    reading = Reading.model_validate_json(Path(artifact.uri, "reading.json").read_text())
    assert reading == Reading.of(runner.schema)


@pytest.mark.slow
def test_runs_again_when_the_data_changes_and_only_then(runner, write, tmp_path):
    runner.run("all")
    (tmp_path / "data/span-1/a.csv").touch()
    runner.run("all")
    runner.schema.feature[0].int_domain.max = 1000  # a bound is the validator's business
    runner.run("all")
    assert runner.states() == ["COMPLETE", "CACHED", "CACHED"]

    write("data/span-1/a.csv", HEADER + rows(0, 21))
    runner.run("all")
    runner.run("newest")
    write("data/span-3/a.csv", HEADER + rows(0, 30))
    runner.run("2")  # what `newest` was, before there was a third span
    runner.run("last:2")
    assert runner.states()[3:] == ["COMPLETE", "COMPLETE", "CACHED", "COMPLETE"]
    spans = [a.custom_properties["spans"].string_value for a in runner.artifacts()]
    assert spans == ["[1, 2]", "[1, 2]", "[2]", "[2, 3]"]


@pytest.mark.slow
def test_a_new_version_of_a_span_takes_the_place_of_the_one_before(runner, write):
    write("data/span-3/version-1/a.csv", HEADER + rows(100, 130))
    runner.run()
    write("data/span-3/version-2/a.csv", HEADER + rows(100, 120))
    runner.run()
    runner.run()
    assert runner.states() == ["COMPLETE", "COMPLETE", "CACHED"]
    assert [
        (a.custom_properties["versions"].string_value, a.custom_properties["version"].int_value)
        for a in runner.artifacts()
    ] == [("[null, null, 1]", 1), ("[null, null, 2]", 2)]
    assert sum(map(len, runner.newest().values())) == 32 + 20
    # As TFX: the version of the newest span; nothing where there are none.
    runner.run("1")
    assert not {"version", "versions"} & runner.artifacts()[-1].custom_properties.keys()


@pytest.mark.slow
def test_two_runs_write_the_same_bytes(runner):
    written = []
    for name in ("one", "two"):
        runner.run(name=name)
        uri = Path(runner.artifacts()[-1].uri)
        written.append({p.relative_to(uri): p.read_bytes() for p in sorted(uri.glob("Split-*/*"))})
    assert written[0] == written[1]
    assert len(written[0]) == 6


@pytest.mark.slow
def test_statistics_are_those_of_the_rows(runner, tmp_path):
    rng = random.Random(0)
    frame = pd.DataFrame(
        {
            "count": [rng.choice([None, 2**53 + 1, 7, 8]) for _ in range(60)],
            "price": [rng.choice([None, 0.5, 2.0, 9.25]) for _ in range(60)],
            "name": [rng.choice([None, "a", "b", "c, d"]) for _ in range(60)],
        }
    ).astype({"count": "Int64"})
    shutil.rmtree(runner.data)
    (runner.data / "span-1").mkdir(parents=True)
    frame.to_csv(runner.data / "span-1/rows.csv", index=False)
    runner.run(statistics=True, splits={"all": 1})
    uri = runner.artifacts("ExampleStatistics")[-1].uri
    statistics = tfdv.load_stats_binary(f"{uri}/Split-all/FeatureStats.pb").datasets[0]
    assert statistics.num_examples == len(frame)
    features = {feature.path.step[0]: feature for feature in statistics.features}
    for name in ("count", "price"):
        numeric = features[name].num_stats
        assert numeric.common_stats.num_missing == frame[name].isna().sum()
        assert numeric.mean == pytest.approx(frame[name].astype(float).mean())
        assert numeric.max == frame[name].max()
    assert features["count"].type == features["count"].INT
    ranks = {v.value: v.frequency for v in features["name"].string_stats.top_values}
    assert ranks == frame["name"].value_counts().to_dict()


@pytest.mark.slow
def test_unknown_columns_get_one_type_and_reach_the_validator(runner, write):
    write("data/span-3/a.csv", "count,extra\n" + "".join(f"{i},{i}\n" for i in range(20)))
    write("data/span-3/b.csv", "count,extra,odd\n7,0.5,x\n")
    runner.run("3", splits={"all": 1})
    examples = runner.newest()["all"]
    assert values(examples, "extra") == [*np.arange(20.0), 0.5]
    assert {tf.train.Example.FromString(e).features.feature["extra"].WhichOneof("kind")
            for e in examples} == {"float_list"}  # fmt: skip
    assert values(examples, "odd")[-1] == b"x"


@pytest.mark.slow
def test_data_errors_come_out_as_such_and_leave_nothing_to_reuse(runner, write):
    write("data/span-1/bad.csv", HEADER + "1,2,3\nmany,1,a\n")
    write("data/span-2/worse.csv", HEADER + "1,2\n")
    with pytest.raises(DataError) as caught:
        runner.run()
    assert "span-1/bad.csv has values that do not fit" in str(caught.value)
    assert "count is INT, but line 3 has 'many'" in str(caught.value)
    assert "span-2/worse.csv: the header names 3 columns, but 1 row has" in str(caught.value)
    assert not any((runner.root / "test/ExampleGen/examples").iterdir())

    (runner.data / "span-1/bad.csv").unlink()
    (runner.data / "span-2/worse.csv").unlink()
    with pytest.raises(DataError, match="lacks span 4"):
        runner.run("4")
    write("data/span-3/a.csv", HEADER + "1,2,a\n")
    with pytest.raises(DataError, match=r"No rows for split (train|eval).*1 rows, cut into"):
        runner.run("3")
    runner.run("2")
    assert runner.states()[-1] == "COMPLETE"
    assert len(runner.artifacts()) == 1


def test_entrypoints_without_a_launcher_can_resolve_spans(runner):
    step = SpanExampleGen(str(runner.data), runner.schema, "newest", SPLITS)
    resolved = resolve_spans(dict(step.exec_properties))
    assert resolved["span"] == 2
    assert resolved["spans"] == "[2]"
    assert '"start_span_number": 2' in resolved["range_config"]
    # What was resolved stays as it is, for instance when an entrypoint calls it once more.
    assert resolve_spans(resolved) == resolved


def test_what_is_resolved_stays_when_a_version_comes_meanwhile(runner, write):
    write("data/span-3/version-1/a.csv", HEADER + rows(0, 30))
    step = SpanExampleGen(str(runner.data), runner.schema, "last:2", SPLITS)
    resolved = resolve_spans(dict(step.exec_properties))
    assert resolved["versions"] == "[null, 1]"
    write("data/span-3/version-2/a.csv", "not yet complete")
    assert resolve_spans(resolved) == resolved
    assert resolve_spans(dict(step.exec_properties))["versions"] == "[null, 2]"
