"""Classify and Regress, of signatures that are made for it."""

import pytest
import tensorflow as tf
from tensorflow_serving.apis import input_pb2

from tfxkit.serving.errors import ServingError
from tfxkit.serving.example_methods import (
    classifications_to_json,
    classify,
    examples_of,
    regress,
    regressions_to_json,
)

EXAMPLES = {"context": {"word": "ab"}, "examples": [{"x": 1.5}, {"x": -4.0, "n": [2]}]}


def test_regress(model):
    found = regress(model, "regress", examples_of(EXAMPLES))
    assert regressions_to_json(found) == {"results": [5.0, -4.0]}


def test_classify(model):
    found = classify(model, "classify", examples_of(EXAMPLES))
    [first, second] = classifications_to_json(found)["results"]
    assert [label for label, _ in first] == ["no", "yes"]
    assert first[1][1] == pytest.approx(0.9933, abs=1e-4)
    assert second[1][1] == pytest.approx(0.0180, abs=1e-4)


def test_a_context_of_the_grpc_api_counts_for_each_example(model):
    request = input_pb2.Input()
    context = request.example_list_with_context.context
    context.features.feature["word"].bytes_list.value.append(b"ab")
    request.example_list_with_context.examples.add()
    assert regress(model, "regress", request).regressions[0].value == 2.0


@pytest.mark.parametrize(
    ("signature", "examples", "told"),
    [
        ("", EXAMPLES, "to be tensorflow/serving/regress. Was: tensorflow/serving/predict"),
        ("classify", EXAMPLES, "Was: tensorflow/serving/classify"),
        ("nope", EXAMPLES, "not found"),
        ("regress", {"examples": []}, "at least one"),
        ("regress", {"examples": [1]}, "must be an object"),
        ("regress", {"examples": [{"x": None}]}, "Feature 'x' must be"),
        ("regress", {"examples": [{"x": [1, "a"]}]}, "not a mixture"),
        ("regress", {"examples": [{"x": "\ud800"}]}, "UTF-8"),
        ("regress", {"examples": [{"\ud800": 1}]}, "UTF-8"),
        ("regress", {"examples": [{"x": "a"}]}, "Data types don't match"),
    ],
)
def test_what_does_not_fit_is_said(model, signature, examples, told):
    with pytest.raises(ServingError) as error:
        regress(model, signature, examples_of(examples))
    assert told in str(error.value) and error.value.http_status == 400


def test_no_example_is_said(model):
    with pytest.raises(ServingError, match="empty"):
        regress(model, "regress", input_pb2.Input())


def test_the_types_are_those_of_json():
    [made] = examples_of(
        {"examples": [{"i": [1, 2], "f": 1.0, "b": True, "s": ["a", {"b64": "AA=="}]}]}
    ).example_list.examples
    expected = tf.train.Example()
    feature = expected.features.feature
    feature["i"].int64_list.value.extend([1, 2])
    feature["f"].float_list.value.append(1)
    feature["b"].int64_list.value.append(1)
    feature["s"].bytes_list.value.extend([b"a", b"\0"])
    assert made == expected
