"""A label has a domain: values outside of it stop the run, with their rows and what is near."""

from __future__ import annotations

import pandas as pd
import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from tests.components.gate_run import run_gate
from tfxkit.components.data_gate import GateError
from tfxkit.config.dataset import Validation

SCHEMA = text_format.Parse(
    """
    feature { name: "x" type: FLOAT }
    feature { name: "y" type: BYTES }
    """,
    schema_pb2.Schema(),
)
CLOSED = text_format.Parse(
    """
    feature { name: "x" type: FLOAT }
    feature { name: "y" type: BYTES domain: "y" distribution_constraints { min_domain_mass: 1.0 } }
    string_domain { name: "y" value: "no" value: "yes" }
    """,
    schema_pb2.Schema(),
)
NUMBERS = text_format.Parse(
    """
    feature { name: "x" type: FLOAT }
    feature { name: "y" type: INT int_domain { min: 0 max: 1 } }
    """,
    schema_pb2.Schema(),
)
TWO = {"positive": "yes", "negative": "no"}


def rows(*values):
    return pd.DataFrame({"x": [float(i) for i in range(len(values))], "y": list(values)})


GOOD = rows(*["no"] * 60, *["yes"] * 40)


@pytest.fixture
def gate(tmp_path):
    def run(data, label, *, task="binary", schema=SCHEMA, baseline=None, stop_at="error"):
        dataset = {
            "task": task,
            "label": {"column": "y", **label},
            "columns": {"x": {"role": "numeric"}},
        }
        validation = Validation(stop_at=stop_at, max_association=None)
        return run_gate(tmp_path, data, baseline, validation, schema, dataset=dataset)

    return run


def finding(error):
    [found] = error.value.report["findings"]
    return found["split"], found["what"]


@pytest.mark.parametrize("schema", [SCHEMA, CLOSED])
def test_respelled_values_stop_the_run_with_their_counts(gate, schema):
    data = {"train": GOOD, "eval": rows(*["No"] * 54, *["Yes"] * 46, "no")}
    with pytest.raises(GateError) as error:
        gate(data, TWO, schema=schema)
    assert finding(error) == (
        "eval",
        "Unknown values of the label: 'No' (54 rows, another spelling of 'no'), 'Yes' (46 rows, "
        "another spelling of 'yes'). Known: 'no', 'yes'",
    )
    for advice in ("python -m pipeline schema accept", "configs/dataset.yaml"):
        assert advice in str(error.value)


def test_a_new_class_is_named(gate):
    classes = {"classes": ["a", "b"]}
    with pytest.raises(GateError) as error:
        gate(rows("a", "b", "c", "c"), classes, task="multiclass")
    assert finding(error) == ("train", "Unknown values of the label: 'c' (2 rows). Known: 'a', 'b'")


def test_known_values_pass(gate):
    assert gate({"train": GOOD, "eval": GOOD}, TWO, schema=CLOSED)["findings"] == []


def test_a_missing_label_is_no_unknown_value(gate):
    assert gate(rows("no", "yes", None, ""), TWO)["findings"] == []


@pytest.mark.parametrize("schema", [SCHEMA, NUMBERS])
def test_a_third_number_is_counted(gate, schema):
    values = [0, 1, 2, 2, 2]
    schema = NUMBERS if schema is NUMBERS else _with_type(schema_pb2.INT)
    with pytest.raises(GateError) as error:
        gate(rows(*values), {}, schema=schema)
    assert finding(error) == ("train", "Unknown values of the label: '2' (3 rows). Known: '0', '1'")


def test_a_number_between_the_classes_is_found(gate):
    classes = {"classes": ["1", "3"]}
    with pytest.raises(GateError) as error:
        gate(rows(1, 2, 3), classes, task="multiclass", schema=_with_type(schema_pb2.INT))
    assert finding(error) == ("train", "Unknown values of the label: '2' (1 row). Known: '1', '3'")


def test_half_a_class_is_found_in_a_column_of_floats(gate):
    with pytest.raises(GateError) as error:
        gate(rows(0.0, 0.5, 1.0), {}, schema=_with_type(schema_pb2.FLOAT))
    assert "'0.5' (1 row)" in finding(error)[1]


def _with_type(type_of_label):
    schema = schema_pb2.Schema()
    schema.CopyFrom(SCHEMA)
    schema.feature[1].type = type_of_label
    return schema


def test_without_a_negative_value_the_domain_is_that_of_the_served_model(gate):
    with pytest.raises(GateError) as error:
        gate(rows("no", "yes", "Yes"), {"positive": "yes"}, baseline=GOOD)
    assert "'Yes' (1 row, another spelling of 'yes'). Known: 'no', 'yes'" in finding(error)[1]


def test_one_class_against_all_others_has_an_open_domain(gate):
    report = gate(rows("setosa", "virginica", "versicolor"), {"positive": "setosa"})
    assert report["findings"] == []


def test_a_positive_value_that_no_row_has_stops_the_run(gate):
    with pytest.raises(GateError) as error:
        gate(rows("No", "Yes", "Yes"), {"positive": "yes"})
    assert finding(error)[1] == (
        "No row of the label has its positive value 'yes'. Values: 'Yes' (2 rows, another spelling "
        "of 'yes'), 'No' (1 row)"
    )


def test_it_is_reported_where_nothing_stops(gate):
    report = gate(rows("no", "yes", "YES"), TWO, stop_at="never")
    assert [each["kind"] for each in report["findings"]] == ["label"]
