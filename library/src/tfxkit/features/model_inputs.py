"""Inputs of the model, as the Transform graph describes them.

All code that builds, trains, exports or shows a model reads its inputs here; they are listed
nowhere else. `tfxkit.features.preprocessing` leaves the description in the graph: the range of a
code as the domain of the feature in the schema, and the rest as an asset. It cannot be an
annotation of the schema: the released packages of tf.Transform drop annotations
(tensorflow-transform 1.21, `common.IS_ANNOTATIONS_PB_AVAILABLE`).
"""

from __future__ import annotations

import dataclasses
import enum
import json
import os
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from tfxkit.errors import DataError
from tfxkit.storage.filesystems import fileio

if TYPE_CHECKING:
    import tensorflow_transform as tft

__all__ = [
    "FIRST_WORD_CODE",
    "MISSING_CODE",
    "MISSING_NUMBER",
    "UNKNOWN_CODE",
    "Feature",
    "Kind",
    "model_features",
]

MISSING_NUMBER = -1.0
"""The rank of a missing value."""
MISSING_CODE = 0
"""The code of a missing value."""
UNKNOWN_CODE = 1
"""The code of an out-of-vocabulary value."""
FIRST_WORD_CODE = 2
"""The code of the most frequent value of a vocabulary."""

VOCABULARIES = "vocabularies"  # the asset with the values of all features that have a vocabulary
DESCRIPTION = "features.json"  # the asset with what the schema has no place for


class Kind(enum.StrEnum):
    """The meaning of a feature's values."""

    RANK = "rank"  # float32 from 0 to 1, or MISSING_NUMBER
    NUMBER = "number"  # float32 of any size, always finite
    CODE = "code"  # one int64 from 0 to below `codes`; 0 is a missing value
    CODES = "codes"  # `length` int64 codes in no fixed place, such as the words of a text


@dataclasses.dataclass(frozen=True)
class Feature:
    """One input of the model.

    Attributes:
        name: The key of the transformed feature.
        kind: The meaning of its values.
        codes: The number of codes, with that of a missing value; None for ranks and numbers.
        vocabulary: The values that have the codes from `FIRST_WORD_CODE` on, if they are known.
        length: The number of values in a row; None for a tensor of shape [batch].
        fixed: A code means the same in every run, as that of a hash bucket or quantile does.
        column: The raw column that its role made it from; None for a feature of the owner's.
        columns: The raw columns whose values in a row it is computed from, in alphabetical order.
        description: Its content, in a few words for the report.
    """

    name: str
    kind: Kind
    codes: int | None = None
    vocabulary: tuple[bytes, ...] | None = None
    length: int | None = None
    fixed: bool = False
    column: str | None = None
    columns: tuple[str, ...] = ()
    description: str = ""


def model_features(transform_output: tft.TFTransformOutput) -> list[Feature]:
    """Lists the inputs of the model, in the order in which `preprocessing_fn` returned them."""
    values = vocabularies(os.path.join(transform_output.transform_savedmodel_dir, "assets"))
    schema = {f.name: f for f in transform_output.transformed_metadata.schema.feature}
    features = []
    for described in json.loads(read_description(transform_output))["features"]:
        name, kind = described["name"], Kind(described["kind"])
        codes = schema[name].int_domain.max + 1 if kind in (Kind.CODE, Kind.CODES) else None
        columns = tuple(described.get("columns", ()))
        learned = {"kind": kind, "codes": codes, "vocabulary": values.get(name), "columns": columns}
        features.append(Feature(**{**described, **learned}))
    return features


def model_columns(transform_output: tft.TFTransformOutput) -> tuple[str, ...]:
    """Raw columns that the features are made from, in alphabetical order."""
    return tuple(json.loads(read_description(transform_output))["columns"])


def describe(features: Iterable[Feature], columns: Iterable[str]) -> str:
    """Content of the asset `DESCRIPTION`: features, and the columns that they are made from.

    It lacks the number of codes, which is in the schema as the domain of the feature, and the
    vocabularies, which are another asset: both result from the passes over the data.
    """
    kept = [dataclasses.asdict(feature) for feature in features]
    for feature in kept:
        del feature["codes"], feature["vocabulary"]
    return json.dumps({"features": kept, "columns": sorted(columns)}, indent=1)


def read_description(transform_output: tft.TFTransformOutput) -> str:
    """Reads the description of the features in a graph, from `describe`.

    Raises:
        DataError: If the graph was made by another kind of `preprocessing_fn`.
    """
    path = os.path.join(transform_output.transform_savedmodel_dir, "assets", DESCRIPTION)
    if not fileio.exists(path):
        raise DataError(
            "The Transform graph does not describe its features. Decorate preprocessing_fn with "
            "@preprocessing from tfxkit.features.preprocessing."
        )
    with fileio.open(path, "r") as file:
        return file.read()


def safe_name(name: str) -> str:
    """Name that TensorFlow, Keras and file systems accept, unique for every argument.

    Letters, digits and underscores stay as they are, except an underscore before a "u": that would
    look like the code of a character. All else becomes `_u<hexadecimal code point>_`.
    """
    return re.sub(r"_(?=u)|[^A-Za-z0-9_]", lambda match: f"_u{ord(match[0]):x}_", name)


def part_name(name: str, part: str) -> str:
    """Name of one of the features of a column; no safe name has a dot in it."""
    return f"{safe_name(name)}.{part}"


def vocabularies(assets: str) -> dict[str, tuple[bytes, ...]]:
    """Reads the values of each vocabulary by the name of its feature, the most frequent first.

    Args:
        assets: The folder `assets` of a Transform graph or an exported model.
    """
    path = os.path.join(assets, VOCABULARIES)
    if not fileio.exists(path):  # no such features, or a model from before this file
        return {}
    with fileio.open(path, "rb") as file:
        content = file.read()  # not tft's vocabulary_by_name, which strips the values
    by_feature: dict[str, list[bytes]] = {}
    for line in content.split(b"\n")[:-1]:
        name, _, value = line.partition(b":")
        if value:
            by_feature[name.decode()].append(value)
        else:  # the first line of each vocabulary
            by_feature[name.decode()] = []
    return {name: tuple(values) for name, values in by_feature.items()}
