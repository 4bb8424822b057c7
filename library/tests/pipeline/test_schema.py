"""`schema diff` shows, and `schema accept` writes, what makes the next run pass; no more."""

from __future__ import annotations

import pandas as pd
import pytest
import tensorflow_data_validation as tfdv
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from tests.sample_project import CONFIGS
from tfxkit.errors import UsageError
from tfxkit.runs.schema import accept, diff, with_changes

SCHEMA = """\
# Who reviews this: the data team.
# It is read by people.

feature {
  # The fare decides.
  name: "fare"  # in dollars {not cents}
  type: FLOAT
  value_count { min: 1 max: 1 }
  presence { min_fraction: 1.0 min_count: 1 }  # always there
  float_domain { min: 0 max: 1000 }  # wide
}
feature {
  name: "pay"
  type: BYTES
  value_count { min: 1 max: 1 }
  presence { min_fraction: 0.5 min_count: 1 }
  domain: "pay"
}
feature {
  name: "hour"   # 0 to 23
  type: INT
  value_count: { min: 1 max: 1 }
  presence <
    min_fraction: 0.5
    min_count: 1
  >
  int_domain { min: 0 max: 23 }
}

string_domain {
  name: "pay"
  value: "Cash"  # paper
  value: ['Card', "No Charge"]
}
# The end.
"""


def trips():
    return pd.DataFrame(
        {"fare": [5.0, 7.5, 9.0, 11.0], "pay": ["Cash", "Card"] * 2, "hour": [1, 5, 12, 23]}
    )


@pytest.fixture
def schema(tmp_path):
    path = tmp_path / "configs/schema.pbtxt"
    path.parent.mkdir()
    path.write_text(SCHEMA)
    return path


@pytest.fixture
def statistics(tmp_path):
    def write(**splits):
        for split, frame in splits.items():
            path = tmp_path / f"statistics/Split-{split}/FeatureStats.pb"
            path.parent.mkdir(parents=True)
            path.write_bytes(tfdv.generate_statistics_from_dataframe(frame).SerializeToString())
        return str(tmp_path / "statistics")

    return write


def anomalies(path, *frames):
    parsed = text_format.Parse(path.read_text(), schema_pb2.Schema())
    return [
        column
        for frame in frames
        for column in tfdv.validate_statistics(
            tfdv.generate_statistics_from_dataframe(frame), parsed
        ).anomaly_info
    ]


CHANGES = {
    "new category": (
        trips().assign(pay=["Cash", "Crypto", "Barter", "Card"]),
        {"pay": ['+ value: "Barter"', '+ value: "Crypto"']},
    ),
    "out of range": (
        trips().assign(hour=[1, 2, 3, 24]),
        {"hour": ["- int_domain { min: 0 max: 23 }", "+ int_domain { min: 0 max: 24 }"]},
    ),
    "gaps": (
        trips().assign(fare=[5.0, None, 9.0, 11.0]),
        {
            "fare": [
                "- presence { min_fraction: 1.0 min_count: 1 }",
                "+ presence { min_fraction: 0.75 min_count: 1 }",
            ]
        },
    ),
    "missing column": (
        trips().drop(columns="fare"),
        {"fare": ["+ lifecycle_stage: DEPRECATED"]},
    ),
    "new columns": (
        trips().assign(tolls=1.0, zone=["n", "s", "n", "s"]),
        {
            "tolls": ['+ name: "tolls"', "+ type: FLOAT"],
            "zone": ['+ name: "zone"', '+ domain: "zone"', '+ value: "n"', '+ value: "s"'],
        },
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_after_accept_the_data_passes_and_diff_has_shown_why(schema, statistics, name):
    frame, changes = CHANGES[name]
    uri = statistics(train=frame, eval=frame)
    shown = diff(schema, uri)
    assert schema.read_text() == SCHEMA
    for column, lines in changes.items():
        assert f"{column}:\n" in shown
        for line in lines:
            assert f"    {line}" in shown.splitlines()
    assert "(eval, train)" in shown

    accepted = accept(schema, uri)
    assert shown in accepted
    assert anomalies(schema, frame) == []
    assert "nothing was changed" in accept(schema, uri)


LABEL = """
feature {
  name: "%s"
  type: %s
  value_count { min: 1 max: 1 }
  presence { min_fraction: 1.0 min_count: 1 }
  not_in_environment: "SERVING"
  %s
}
string_domain { name: "churned" value: "no" value: "yes" }
"""
TEXT_DOMAIN = 'domain: "churned" distribution_constraints { min_domain_mass: 1.0 }'
LABEL_CHANGES = {
    "text": (
        ("churned", "BYTES", TEXT_DOMAIN),
        ["No", "Yes", "no", "yes"],
        ['+ value: "No"', '+ value: "Yes"'],
    ),
    "numbers": (
        ("left", "INT", "int_domain { min: 0 max: 1 }"),
        [0, 1, 1, 2],
        ["- int_domain { min: 0 max: 1 }", "+ int_domain { min: 0 max: 2 }"],
    ),
}


@pytest.mark.parametrize("name", LABEL_CHANGES)
def test_new_values_of_a_label_are_shown_with_what_else_they_need(schema, statistics, name):
    described, values, lines = LABEL_CHANGES[name]
    schema.write_text('default_environment: "TRAINING"\n' + LABEL % described)
    frame = pd.DataFrame({described[0]: values})
    shown = diff(schema, statistics(train=frame), columns=[described[0]])
    for line in lines:
        assert f"    {line}" in shown.splitlines()
    assert "under label in configs/dataset.yaml too" in shown
    accept(schema, statistics(eval=frame))
    assert anomalies(schema, frame) == []


def test_accept_leaves_all_other_lines_as_they_are(schema, statistics):
    uri = statistics(
        train=trips().assign(hour=[1, 2, 3, 24], pay=["Crypto", "Cash", "Card", "Card"])
    )
    accept(schema, uri)
    end = """  value: ['Card', "No Charge"]\n"""
    expected = SCHEMA.replace("max: 23 }", "max: 24 }").replace(end, f'{end}  value: "Crypto"\n')
    assert schema.read_text() == expected
    assert [path.name for path in schema.parent.iterdir()] == ["schema.pbtxt"]


def test_the_comments_of_a_changed_line_stay(schema, statistics):
    accept(schema, statistics(train=trips().assign(fare=[5.0, None, 9.0, 2000.0])))
    lines = schema.read_text().splitlines()
    assert "  presence { min_fraction: 0.75 min_count: 1 }  # always there" in lines
    assert '  name: "fare"  # in dollars {not cents}' in lines


def test_only_named_columns_are_accepted(schema, statistics):
    frame = trips().assign(hour=[1, 2, 3, 24], tolls=1.0)
    text = accept(schema, statistics(train=frame), columns=["tolls"])
    assert "hour" not in text
    assert anomalies(schema, frame) == ["hour"]


def test_changes_that_several_splits_ask_for_are_joined(schema, statistics):
    first = trips().assign(pay=["Crypto", "Cash", "Card", "Card"])
    second = trips().assign(pay=["Barter", "Cash", "Card", "Card"], hour=[1, 2, 3, 30])
    accept(schema, statistics(train=first, eval=second))
    assert anomalies(schema, first, second) == []


def test_data_that_departs_from_nothing_changes_nothing(schema, statistics):
    uri = statistics(train=trips())
    assert "no changes" in diff(schema, uri)
    assert "nothing was changed" in accept(schema, uri)
    assert schema.read_text() == SCHEMA


def test_a_column_that_needs_no_change_is_refused_with_the_nearest_that_does(schema, statistics):
    uri = statistics(train=trips().assign(hour=[1, 2, 3, 24]))
    with pytest.raises(UsageError, match=r"Nothing about hours departs.* did you mean hour"):
        accept(schema, uri, columns=["hours"])


def test_a_type_that_was_edited_after_the_run_is_not_compared(schema, statistics):
    uri = statistics(train=trips().assign(hour=["a", "b", "c", "d"]))
    with pytest.raises(UsageError, match=r"another type for hour .* run again"):
        accept(schema, uri)
    assert schema.read_text() == SCHEMA


def test_without_statistics_there_is_nothing_to_compare_with(schema, tmp_path):
    with pytest.raises(UsageError, match="run the pipeline first"):
        diff(schema, str(tmp_path / "nowhere"))


def test_a_whole_schema_can_be_edited():
    text = (CONFIGS / "schema.pbtxt").read_text()
    old = text_format.Parse(text, schema_pb2.Schema())
    new = schema_pb2.Schema()
    new.CopyFrom(old)
    for feature in new.feature:
        feature.presence.min_fraction = 0.125
    next(iter(new.string_domain)).value.append("Crypto")
    changed = with_changes(text, old, new)
    assert [line for line in changed.splitlines() if "#" in line] == [
        line for line in text.splitlines() if "#" in line
    ]
