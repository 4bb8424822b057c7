"""The bodies of `:predict`: rows (`instances`), columns (`inputs`), or raw rows (`examples`)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from tfxkit.serving.errors import invalid
from tfxkit.serving.json_tensors import is_binary, to_array, to_json
from tfxkit.serving.loaded_model import DEFAULT_SIGNATURE, LoadedModel, SignatureDef

FORMS = ("instances", "inputs", "examples")


def parse(body: bytes) -> dict[str, Any]:
    """Reads the body of any POST; NaN and Infinity are numbers, as in TensorFlow Serving.

    Raises:
        ServingError: If it is no JSON object.
    """
    if not body:
        raise invalid("JSON Parse error: The document is empty")
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:  # no JSON, no UTF-8, too deep, too many digits
        raise invalid(f"JSON Parse error: {error}") from None
    if not isinstance(document, dict):
        raise invalid(f"JSON value is not an object but {type(document).__name__}")
    if not isinstance(document.get("signature_name", ""), str):
        raise invalid("'signature_name' key must be a string value")
    return document


def answer(model: LoadedModel, document: Mapping[str, Any]) -> dict[str, Any]:
    """Predicts for what `parse` has read.

    Returns:
        `{"predictions": …}` for rows, `{"outputs": …}` for columns. The name of the output is left
        out if there is only one.

    Raises:
        ServingError: If it does not fit the signature.
    """
    forms = [form for form in FORMS if form in document]
    if len(forms) != 1:
        raise invalid(f"Exactly one of the keys {', '.join(FORMS)} must be there")
    [form] = forms
    name, signature = model.signature(document.get("signature_name", ""))
    read = {"instances": _of_instances, "inputs": _of_inputs}
    if form == "examples":
        inputs = _of_examples(document[form], model, name, signature)
    else:
        inputs = read[form](document[form], signature)
    outputs = model.run(name, inputs)
    return _columns(outputs) if form == "inputs" else _rows(outputs)


def _of_instances(instances: Any, signature: SignatureDef) -> dict[str, np.ndarray]:
    _check_list("instances", instances)
    names = sorted(signature.inputs)
    objects = [isinstance(one, Mapping) and not is_binary(one) for one in instances]
    if not any(objects):
        return {_only(names, "instances"): _array(instances, names[0], signature)}
    for place, one in enumerate(instances):
        if not objects[place] or sorted(one) != names:
            raise invalid(
                f"Failed to process element: {place} of 'instances' list. Its keys must be equal "
                f"to: {','.join(names)}"
            )
    return {name: _array([one[name] for one in instances], name, signature) for name in names}


def _of_inputs(inputs: Any, signature: SignatureDef) -> dict[str, np.ndarray]:
    names = sorted(signature.inputs)
    if not isinstance(inputs, Mapping) or is_binary(inputs):
        return {_only(names, "inputs"): _array(inputs, names[0], signature)}
    if missing := [name for name in names if name not in inputs]:
        raise invalid(f"Missing named input: {', '.join(missing)} in 'inputs' object.")
    return {name: _array(inputs[name], name, signature) for name in names}


def _of_examples(
    rows: Any, model: LoadedModel, name: str, signature: SignatureDef
) -> dict[str, np.ndarray]:
    _check_list("examples", rows)
    if name != DEFAULT_SIGNATURE:
        raise invalid(f"'examples' are for the signature {DEFAULT_SIGNATURE}, not for {name}")
    return {_only(sorted(signature.inputs), "examples"): model.rows.encode(rows)}


def _check_list(form: str, value: Any) -> None:
    if not isinstance(value, list) or not value:
        raise invalid(f"{form!r} must be a list with at least one element")


def _only(names: list[str], form: str) -> str:
    if len(names) != 1:
        raise invalid(f"{form!r} must name the inputs, for there are several: {', '.join(names)}")
    return names[0]


def _array(value: Any, name: str, signature: SignatureDef) -> np.ndarray:
    return to_array(value, tf.as_dtype(signature.inputs[name].dtype), name)


def _rows(outputs: Mapping[str, np.ndarray]) -> dict[str, Any]:
    if any(values.ndim == 0 for values in outputs.values()) or (
        len({len(values) for values in outputs.values()}) != 1
    ):
        raise invalid("The outputs have not one row per instance: ask with 'inputs' instead")
    written = {name: to_json(name, values) for name, values in sorted(outputs.items())}
    if len(written) == 1:
        return {"predictions": next(iter(written.values()))}
    rows = zip(*written.values(), strict=True)
    return {"predictions": [dict(zip(written, row, strict=True)) for row in rows]}


def _columns(outputs: Mapping[str, np.ndarray]) -> dict[str, Any]:
    written = {name: to_json(name, values) for name, values in sorted(outputs.items())}
    return {"outputs": next(iter(written.values())) if len(written) == 1 else written}
