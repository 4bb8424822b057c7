"""`preprocessing_fn` of a project: from the features that it returns to the Transform graph.

The function becomes part of the exported model, so training and serving cannot differ. Every
feature gets a name that TensorFlow, Keras and file systems accept, the range of its codes in the
schema, and a description in the graph, where the trainer, the report and the notebooks find it
(`tfxkit.features.model_inputs`). The functions of `tfxkit.features.helpers`, or tf.Transform, make
the features themselves.
"""

from __future__ import annotations

import collections
import functools
import hashlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import tensorflow as tf
import tensorflow_transform as tft
from tensorflow_transform import schema_inference

from tfxkit.config.dataset import Dataset
from tfxkit.errors import ModelError
from tfxkit.features import planned
from tfxkit.features.columns import Columns, RawColumns
from tfxkit.features.label import LABEL_KEY, make_label
from tfxkit.features.model_inputs import (
    DESCRIPTION,
    MISSING_CODE,
    Feature,
    Kind,
    describe,
    safe_name,
)
from tfxkit.features.planned import Direct, Planned
from tfxkit.tracebacks import located

__all__ = ["Columns", "Features", "preprocessing"]

PreprocessingFn = Callable[[Columns, Mapping[str, Any]], Mapping[str, Any]]

_HASHES = {"StringToHashBucket", "StringToHashBucketFast", "StringToHashBucketStrong"}
_SEARCHES = {"LowerBound", "UpperBound"}  # of a number among the boundaries of buckets
_SHAPING = {"EnsureShape", "ExpandDims", "Identity", "Reshape", "Squeeze"}
_FIRST_CODE = MISSING_CODE + 1  # of a tensor of tft's, which has -1 for a value without a code


class Features(collections.UserDict[str, Any]):
    """Features by name; a name can be used once."""

    def __setitem__(self, name: str, feature: Any) -> None:
        """Adds a feature.

        Raises:
            ModelError: If there is one of that name.
        """
        if name in self.data:
            raise ModelError(
                f"There are two features {name!r}. Choose another name, or delete the first one: "
                f"del features[{name!r}]."
            )
        super().__setitem__(name, feature)

    def __ior__(self, others: Any) -> Features:  # type: ignore[misc, override]
        """Adds features."""
        self.update(others)
        return self


def preprocessing(function: PreprocessingFn) -> Callable[[RawColumns, Any], dict[str, tf.Tensor]]:
    """Turns a function from columns to features into a `preprocessing_fn` of tf.Transform.

    The function takes the raw columns as dense tensors (`Columns`) and `custom_config`. The values
    of the mapping that it returns are features made by `tfxkit.features.helpers`, or tensors: of
    numbers or truth values, [batch] or [batch, length]; or of codes, as `tft.bucketize`,
    `tft.compute_and_apply_vocabulary` and `tft.hash_strings` return them. A value may be a mapping,
    too; the names of its features are joined to its own name by a dot.
    """

    @functools.wraps(function)
    def preprocessing_fn(
        inputs: RawColumns, custom_config: Mapping[str, Any]
    ) -> dict[str, tf.Tensor]:
        """Builds the graph from raw columns to features.

        Args:
            inputs: The raw columns of the schema.
            custom_config: `dataset`: a `Dataset`, as `Dataset.for_model` gives it.

        Returns:
            The features that `model_features` lists, and the label under `LABEL_KEY`.

        Raises:
            DataError: If a column of dataset.yaml is not in the schema or has a type that does not
                fit.
            ModelError: If the function is wrong: a feature reads an unknown column, or cannot be an
                input of a model. The message ends with the line of the owner's code.
        """
        dataset = Dataset.model_validate(custom_config["dataset"])
        label = make_label(dataset, inputs)
        columns = Columns(inputs, dataset.label_sources())
        try:
            features = _named(function(columns, custom_config), columns)
        except ModelError as error:
            raise ModelError(located(str(error), error)) from error
        if not features:
            raise ModelError(
                "preprocessing_fn returns no features, so there is nothing to learn from. Return "
                "at least one."
            )
        ours = {
            name: feature if isinstance(feature, Planned) else _plain(name, feature)
            for name, feature in features.items()
        }
        tensors = planned.compute(ours)
        _describe(ours, columns)
        outputs = {name: _with_domain(tensors[name], ours[name].codes) for name in ours}
        return outputs | {LABEL_KEY: label}

    return preprocessing_fn


def _named(features: Mapping[str, Any], columns: Columns) -> dict[str, Any]:
    """Names all features as TensorFlow, Keras and file systems accept."""
    if not isinstance(features, Mapping):
        raise ModelError(
            f"preprocessing_fn returns a {type(features).__name__}. Return the features by name, "
            "as by_role() gives them."
        )
    named = Features()
    for key, feature in _flat(features):
        if not isinstance(key, str) or not key.strip("."):
            raise ModelError(f"A feature is called {key!r}. Name it by a text that is not empty.")
        if key in columns.names:
            raise ModelError(
                f"The feature {key!r} has the name of a column, by which slices are looked up. "
                f"Choose another one, such as {key + '_feature'!r}."
            )
        by_role = isinstance(feature, Planned) and feature.column is not None
        name = key if by_role else ".".join(safe_name(part) for part in key.split("."))
        if name == LABEL_KEY:
            raise ModelError(f"No feature may be called {key!r}, as the label is. Choose another.")
        named[name] = feature
    return named.data


def _flat(features: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, feature in features.items():
        if isinstance(feature, Mapping):
            yield from ((f"{name}.{part}", value) for part, value in feature.items())
        else:
            yield name, feature


def _plain(name: str, tensor: Any) -> Planned:
    """Turns a tensor into a feature; its kind follows from its type and its operation."""
    if not isinstance(tensor, tf.Tensor):
        raise ModelError(
            f"The feature {name!r} is a {type(tensor).__name__}. A feature is a dense tensor, or "
            "made by one of the functions in tfxkit.features.helpers."
        )
    maker = _maker(tensor)
    codes, length = _codes(tensor, maker), None
    values = tensor[:, 0] if tensor.shape[1:] == [1] else tensor
    if values.shape.rank != 1:
        length = values.shape[1] if values.shape.rank == 2 else None  # noqa: PLR2004
        if not length:
            raise ModelError(
                f"The feature {name!r} has the shape {tensor.shape}. Give it the shape [batch] or "
                "[batch, length], with a length that is the same in every row (tf.ensure_shape, "
                "or words() for text)."
            )
    if tensor.dtype.is_floating or tensor.dtype == tf.bool:
        numbers = tf.cast(values, tf.float32)
        numbers = tf.where(tf.math.is_finite(numbers), numbers, tf.zeros_like(numbers))
        description = f"{length} numbers" if length else "number"
        return Direct(lambda: numbers, Kind.NUMBER, description, length=length)
    if tensor.dtype == tf.string:
        raise ModelError(
            f"The feature {name!r} is text, which a model cannot take. Use code(), hashed() or "
            "words() from tfxkit.features.helpers."
        )
    if codes is None:
        raise ModelError(
            f"The feature {name!r} has whole numbers ({tensor.dtype.name}), and nothing says how "
            "many different ones there are. Use rank() or number() if they are a quantity, code() "
            "or hashed() if they are names."
        )
    kept = tf.clip_by_value(values + _FIRST_CODE, MISSING_CODE, codes + _FIRST_CODE - 1)
    kind = Kind.CODES if length else Kind.CODE
    fixed = maker.type in _HASHES | _SEARCHES
    return Direct(lambda: kept, kind, "", codes=codes + _FIRST_CODE, length=length, fixed=fixed)


def _maker(tensor: tf.Tensor) -> tf.Operation:
    """Operation that computed the values, before they got their shape."""
    maker = tensor.op
    while maker.type in _SHAPING:
        maker = maker.inputs[0].op
    return maker


def _codes(tensor: tf.Tensor, maker: tf.Operation) -> tf.Tensor | None:
    """Number of codes in a tensor, from 0 on, if its operation has one."""
    if tensor.dtype != tf.int64:
        return None
    if maker.type in _HASHES:
        return tf.constant(maker.get_attr("num_buckets"), tf.int64)
    try:
        return tft.get_num_buckets_for_transformed_feature(tensor)
    except ValueError:  # made by something else
        return None


def _with_domain(tensor: tf.Tensor, codes: int | tf.Tensor | None) -> tf.Tensor:
    """Adds the range of the codes to the schema of a tensor."""
    tensor = tf.identity(tensor)  # a domain belongs to a tensor, so each output needs its own
    if codes is not None:
        last = tf.cast(codes, tf.int64) - 1
        schema_inference.set_tensor_schema_override(tensor, tf.constant(0, tf.int64), last)
    return tensor


def _describe(features: Mapping[str, Planned], columns: Columns) -> None:
    """Adds a description of the features to the graph."""
    text = describe(
        (
            Feature(
                name=name,
                kind=feature.kind,
                length=feature.length,
                fixed=feature.fixed,
                column=feature.column,
                columns=columns.sources_of(feature.sources()),
                description=feature.description,
            )
            for name, feature in features.items()
        ),
        columns.used,
    )

    def asset() -> tf.saved_model.Asset:
        # In memory, from where it is copied when the graph is saved. A second write would append.
        path = f"ram://{hashlib.sha256(text.encode()).hexdigest()}/{DESCRIPTION}"
        if not tf.io.gfile.exists(path):
            with tf.io.gfile.GFile(path, "w") as file:
                file.write(text)
        return tf.saved_model.Asset(path)

    tft.make_and_track_object(asset, name="description_of_features")
