"""Bodies of `:predict`, and the errors of those that do not fit."""

import base64
import json

import numpy as np
import pytest
import tensorflow as tf

from tfxkit.serving.metrics import RequestMetrics
from tfxkit.serving.model import ServingError
from tfxkit.serving.rest import parse_body, predict


def answer(model, body):
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return predict(model, parse_body(text), RequestMetrics("m"))


def b64(serialized: bytes) -> dict[str, str]:
    return {"b64": base64.b64encode(serialized).decode()}


def example(**features) -> bytes:
    row = tf.train.Example()
    for name, value in features.items():
        if isinstance(value, str):
            row.features.feature[name].bytes_list.value.append(value.encode())
        elif isinstance(value, int):
            row.features.feature[name].int64_list.value.append(value)
        else:
            row.features.feature[name].float_list.value.append(value)
    return row.SerializeToString()


ROWS = [b64(example(x=1.5, word="a")), b64(example(n=3)), b64(b"")]


def test_rows_and_columns_of_the_only_input(model):
    scores = [[4.0], [3.0], [0.0]]
    assert answer(model, {"instances": ROWS}) == {"predictions": scores}
    assert answer(model, {"instances": [{"examples": row} for row in ROWS]}) == {
        "predictions": scores
    }
    assert answer(model, {"inputs": ROWS}) == {"outputs": scores}
    assert answer(model, {"inputs": {"examples": ROWS}}) == {"outputs": scores}


def test_several_inputs_and_outputs_go_by_name(model):
    rows = {
        "signature_name": "named",
        "instances": [{"pair": [1, 2], "word": "ä"}, {"pair": [0.5, -1], "word": {"b64": "AAE="}}],
    }
    assert answer(model, rows) == {
        "predictions": [
            {"sum": 3.0, "word": "ä", "word_bytes": b64("ä".encode())},
            {"sum": -0.5, "word": "\0\1", "word_bytes": {"b64": "AAE="}},
        ]
    }
    columns = {"signature_name": "named", "inputs": {"pair": [[1, 2]], "word": ["a"]}}
    assert answer(model, columns) == {
        "outputs": {"sum": [3.0], "word": ["a"], "word_bytes": [b64(b"a")]}
    }


def test_rows_of_raw_columns(model):
    rows = [
        {"x": 1.5, "n": 2, "word": "abc", "not a column of the model": 1},
        {"x": 1, "n": None, "word": {"b64": "YQ=="}},
        {"x": None, "n": 4.0, "word": ""},
    ]
    assert answer(model, {"examples": rows}) == {"predictions": [[8.0], [3.0], [4.0]]}


def test_numbers_have_the_digits_that_they_need(model):
    written = answer(model, {"examples": [{"x": 0.1, "n": None, "word": None}]})["predictions"]
    assert json.dumps(written) == "[[0.2]]"
    body = b'{"signature_name": "named", "inputs": {"pair": [[NaN, 1]], "word": [""]}}'
    assert json.dumps(answer(model, body)["outputs"]["sum"]) == "[NaN]"


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "empty"),
        (b"{", "JSON Parse error"),
        (b"\xff\xfe\x00", "JSON Parse error"),
        (b"[" * 100_000, "JSON Parse error"),
        ([1], "not an object"),
        ({}, "Exactly one of the keys"),
        ({"instances": ROWS, "inputs": ROWS}, "Exactly one of the keys"),
        ({"signature_name": 1, "instances": ROWS}, "signature_name"),
        (
            {"signature_name": "nope", "instances": ROWS},
            '"nope" not found; there are: named, serving_default',
        ),
        ({"instances": []}, "at least one"),
        ({"instances": ROWS[0]}, "'instances' must be a list"),
        ({"instances": [1]}, "JSON value 1 of input 'examples' is not of expected type: string"),
        ({"instances": [{"b64": "?"}]}, "no base64"),
        ({"instances": ["\ud800"]}, "'examples' does not fit into string: 'utf-8' codec"),
        ({"instances": [b64(b"no example")]}, "Could not parse example input"),
        ({"instances": [{"x": 1}]}, "keys must be equal to: examples"),
        ({"instances": ["a", {"examples": "a"}]}, "element: 0"),
        ({"inputs": {"example": "a"}}, "Missing named input: examples"),
        ({"inputs": "a"}, "must have the shape (None,), not ()"),
        ({"signature_name": "named", "instances": ["a"]}, "must name the inputs"),
        ({"signature_name": "named", "inputs": ["a"]}, "there are several: pair, word"),
        ({"signature_name": "named", "inputs": {"pair": [[1, 2], [3]], "word": ["a"]}}, "sizes"),
        ({"signature_name": "named", "inputs": {"pair": [[1, [2]]], "word": ["a"]}}, "depths"),
        ({"signature_name": "named", "inputs": {"pair": [[1, "2"]], "word": ["a"]}}, "float32"),
        ({"signature_name": "named", "inputs": {"pair": [[1, 2, 3]], "word": ["a"]}}, "(None, 2)"),
        ({"signature_name": "named", "examples": [{}]}, "for the signature serving_default"),
        ({"examples": [1]}, "Example 0 must be an object"),
        ({"examples": [{"x": 1, "n": 1, "word": ""}, {"x": 1}]}, "Example 1 lacks columns"),
        (
            {"examples": [{"x": "1,5", "n": 1, "word": ""}]},
            "'x' must be a number or null, not '1,5'",
        ),
        ({"examples": [{"x": 1, "n": 1.5, "word": ""}]}, "'n' must be a whole number"),
        ({"examples": [{"x": 1, "n": 2**63, "word": ""}]}, "'n' must be a whole number"),
        ({"examples": [{"x": 1, "n": 1, "word": [5]}]}, "'word' must be a text or null, not [5]"),
        ({"examples": [{"x": 1, "n": 1, "word": "\ud800"}]}, "'word' must be a text or null"),
        ({"examples": [{"x": 10**400, "n": 1, "word": ""}]}, "'x' must be a number"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_body_that_does_not_fit_is_refused_with_the_reason(model, body, problem):
    with pytest.raises(ServingError) as error:
        answer(model, body)
    assert problem in str(error.value)
    assert error.value.http_status == 400


def test_too_deep_lists_are_refused_also_where_json_can_be_deeper_than_python(model):
    deep = []
    for _ in range(3000):
        deep = [deep]
    for document in [
        {"instances": deep},
        {"instances": [{"a": deep}]},
        {"examples": [{"x": deep, "n": None, "word": None}]},
    ]:
        with pytest.raises(ServingError) as error:
            predict(model, document, RequestMetrics("m"))
        assert error.value.http_status == 400 and len(str(error.value)) < 200


def test_a_missing_column_is_named(model):
    with pytest.raises(
        ServingError, match=r"needs: n, word\. Where a value is not known, say null"
    ):
        answer(model, {"examples": [{"x": 1, "N": 1, "label": 1}]})


def test_a_tensor_of_another_dtype_is_refused(model):
    with pytest.raises(ServingError, match="must be string, not float32"):
        model.run("serving_default", {"examples": np.zeros(2, np.float32)})
