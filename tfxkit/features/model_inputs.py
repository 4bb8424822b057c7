"""The model's inputs: their names, and what stands in them.

Columns of the raw data may have any name and type. The model sees features of three kinds:

* a number: float32 from 0 to 1, or `MISSING_NUMBER`;
* a code: int64 from 0 to below `codes`, 0 where the value is missing;
* `length` codes: those of the words of a text, filled up with 0.
"""

from __future__ import annotations

import dataclasses
import os
import re

import tensorflow_transform as tft

from tfxkit.config.dataset import Column, Dataset, Role
from tfxkit.storage.filesystems import fileio

MISSING_NUMBER = -1.0
MISSING_CODE = 0
UNKNOWN_CODE = 1  # of categorical columns: a value that is not in the vocabulary
FIRST_WORD_CODE = 2  # of categorical columns: the most frequent value

DEFAULT_BUCKETS = {
    Role.NUMERIC: 64,
    Role.TIMESTAMP: 64,
    Role.BUCKETIZED: 10,
    Role.HASHED: 100,
    Role.TEXT: 4096,
}
WORDS = 100  # of a text; those that follow are left out
VOCABULARIES = "vocabularies"  # the file with the values of all categorical columns
TIMESTAMP_PARTS = ("trend", "time_of_day", "time_of_week", "time_of_year")


@dataclasses.dataclass(frozen=True)
class Feature:
    """One input of the model.

    Attributes:
        name: The key of the transformed feature.
        codes: How many codes there are; None for a number.
        vocabulary: Of a categorical column: the values that have codes, from `FIRST_WORD_CODE` on.
        length: How many codes a row has; None for one.
    """

    name: str
    codes: int | None = None
    vocabulary: tuple[bytes, ...] | None = None
    length: int | None = None


def safe_name(column: str) -> str:
    """A name that TensorFlow, Keras and file systems accept, another one for every column.

    Letters, digits and underscores stay as they are, except an underscore before a "u": that would
    look like the code of a character. All else becomes `_u<hexadecimal code point>_`.
    """
    return re.sub(r"_(?=u)|[^A-Za-z0-9_]", lambda match: f"_u{ord(match[0]):x}_", column)


def part_name(column: str, part: str) -> str:
    """The name of a feature that is made of a column; no safe name has a dot in it."""
    return f"{safe_name(column)}.{part}"


def buckets(column: Column) -> int:
    """Into how many buckets a column is cut, as configured or by default."""
    return column.buckets or DEFAULT_BUCKETS[column.role]


def code_name(column: str) -> str:
    """The name of a feature that is a code."""
    return part_name(column, "code")


def words_name(column: str) -> str:
    """The name of a feature that is the codes of words, see `tfxkit.features.text`."""
    return part_name(column, "words")


def rank_name(column: str) -> str:
    """The name of a feature that is a number: a rank, see `models.preprocessing`."""
    return part_name(column, "rank")


def vocabulary_prefix(column: str) -> str:
    """What stands before each value of a column in the file `VOCABULARIES`."""
    return f"{safe_name(column)}:"


def vocabularies(assets: str) -> dict[str, tuple[bytes, ...]]:
    """The values of categorical columns, by their safe names, the most frequent first.

    Args:
        assets: The folder `assets` of a Transform graph or an exported model.
    """
    path = os.path.join(assets, VOCABULARIES)
    if not fileio.exists(path):  # no such columns, or a model from before this file
        return {}
    with fileio.open(path, "rb") as file:
        content = file.read()  # not tft's vocabulary_by_name, which strips the values
    found: dict[str, list[bytes]] = {}
    for line in content.split(b"\n")[:-1]:
        name, _, value = line.partition(b":")
        if value:
            found[name.decode()].append(value)
        else:  # the first line of each column
            found[name.decode()] = []
    return {name: tuple(values) for name, values in found.items()}


def model_features(dataset: Dataset, transform_output: tft.TFTransformOutput) -> list[Feature]:
    """The inputs of the model, in the order of the description of the data."""
    features = []
    known = vocabularies(os.path.join(transform_output.transform_savedmodel_dir, "assets"))
    for column, how in dataset.features().items():
        match how.role:
            case Role.NUMERIC:
                features.append(Feature(rank_name(column)))
            case Role.TIMESTAMP:
                features += [Feature(part_name(column, part)) for part in TIMESTAMP_PARTS]
            case Role.CATEGORICAL:
                words = known[safe_name(column)]
                features.append(Feature(code_name(column), FIRST_WORD_CODE + len(words), words))
            case Role.BUCKETIZED | Role.HASHED:
                codes = MISSING_CODE + 1 + buckets(how)
                features.append(Feature(code_name(column), codes))
            case Role.TEXT:
                codes = MISSING_CODE + 1 + buckets(how)
                features.append(Feature(words_name(column), codes, length=2 * WORDS - 1))
    return features
