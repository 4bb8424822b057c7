"""Raw examples as tf.data of features: rows to learn from, shuffled, and rows held out of them.

The Transform graph is applied as they are read, which costs less than to write all rows
transformed and to read them again. Rows are decoded once and kept as a table of each feature, some
100 bytes a row, and no more rows than the training comes to; what is shuffled is their numbers.
Those that are not kept in memory stay serialized until they are in a batch.
"""

from __future__ import annotations

import dataclasses
import hashlib
import sys
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf
import tensorflow_transform as tft

from tfxkit.config.dataset import Dataset, Task
from tfxkit.config.settings import TrainSettings
from tfxkit.errors import DataError
from tfxkit.features.label import LABEL_KEY, UNKNOWN_LABEL, count_values, describe_unknown
from tfxkit.features.model_inputs import model_columns

SCAN_BATCH = 4096  # rows, where all are read in order
_SHARES = 10_000  # so fine can a share of the rows be given
_MAX_STEPS_PER_CALL = 100  # so often does a training hear Ctrl-C
_MAX_SHUFFLE_BUFFER = 200_000  # rows that are not in memory; about 500 bytes each
_HASH = " of the row"  # a column beside the features
_MAX_HELD_OUT = 10_000  # rows; the same ones in each epoch, so they show a thousandth of the loss
_SLACK = 1.25  # factor by which the sample may exceed its size before rows are dropped
_CHANCE = ""  # a column beside the features

Decode = Callable[[tf.Tensor], tuple[dict[str, tf.Tensor], tf.Tensor]]


@dataclasses.dataclass(frozen=True)
class TrainingRows:
    """A part of the training rows.

    Attributes:
        elements: A dataset with an element for each row, in a stable order: its number, or the
            row itself as serialized tf.Example.
        labels: Labels of all rows, in that order.
        decode: Turns a batch of elements into features and labels.
        epoch_rows: Maximum number of rows in an epoch; the next one continues from there.
        shuffle_buffer: Number of elements that are shuffled at once; None if the elements are
            numbers, which need no buffer.
    """

    elements: tf.data.Dataset
    labels: np.ndarray
    decode: Decode
    epoch_rows: int
    shuffle_buffer: int | None

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.labels)

    def steps(self, batch_size: int) -> int:
        """Number of batches of one epoch: some calls of `steps_per_call` each.

        Keras would go on into the next epoch to fill the last call (keras 3.15,
        `trainers/epoch_iterator.py`); so what does not fill it is left out. That is nothing below
        100 batches, and above less than one in a hundred, other rows in each epoch.
        """
        batches = self.batches(batch_size)
        return batches - batches % self.steps_per_call(batch_size)

    def steps_per_call(self, batch_size: int) -> int:
        """Number of steps in one call of compiled code, which saves Python's share in each."""
        batches = self.batches(batch_size)
        return batches // -(-batches // _MAX_STEPS_PER_CALL)

    def batches(self, batch_size: int) -> int:
        """Number of batches of one epoch, also of those that `steps` leaves out."""
        return self.all_batches(batch_size) // self.parts(batch_size)

    def all_batches(self, batch_size: int) -> int:
        """Number of batches that hold all rows."""
        return -(-len(self) // batch_size)

    def parts(self, batch_size: int) -> int:
        """Number of epochs until all rows are seen."""
        return min(-(-len(self) // self.epoch_rows), self.all_batches(batch_size))


@dataclasses.dataclass(frozen=True)
class LabelScale:
    """Unit in which a network sees the label, so that any network can learn any label.

    Attributes:
        mean: Label that the network sees as 0.
        deviation: Distance from the mean that it sees as 1.
    """

    mean: float = 0.0
    deviation: float = 1.0

    @classmethod
    def of(cls, labels: np.ndarray) -> LabelScale:
        """Scale in which labels have mean 0 and standard deviation 1."""
        return cls(float(labels.mean(dtype=np.float64)), float(labels.std(dtype=np.float64)) or 1.0)

    def to_network(self, labels: tf.Tensor) -> tf.Tensor:
        """Labels as the network sees them."""
        return labels if self == LabelScale() else (labels - self.mean) / self.deviation

    def to_units(self, predictions: tf.Tensor) -> tf.Tensor:
        """Predictions of the network in units of the label."""
        return predictions if self == LabelScale() else predictions * self.deviation + self.mean


@dataclasses.dataclass(frozen=True)
class TrainingData:
    """Rows of a training.

    Attributes:
        fit: The rows to learn from.
        held_out: The rows that decide when to stop.
        digest: A hash of all rows that were read, whatever their order.
        label_scale: Of the label in the rows to learn from; regression only.
    """

    fit: TrainingRows
    held_out: TrainingRows
    digest: str
    label_scale: LabelScale = LabelScale()


def read(
    patterns: Sequence[str],
    transform_output: tft.TFTransformOutput,
    dataset: Dataset,
    train: TrainSettings,
) -> TrainingData:
    """Reads all rows once, and holds a share of them out, by a hash of the row.

    Rows in memory are a random sample, if there are more rows than the training uses: `epochs`
    times `epoch_rows`, and some to hold out.

    Args:
        patterns: Patterns of the files with raw examples.
        transform_output: The graph that computes their features.
        dataset: Description of the label.
        train: Share of the rows that is held out, and use of memory.

    Raises:
        DataError: If a row has no label, or if one of the two parts would be empty.
    """
    files = sorted(name for pattern in patterns for name in tf.io.gfile.glob(pattern))
    rows = tf.data.TFRecordDataset(files, compression_type="GZIP")
    parse = _parser(transform_output, dataset)
    label_type = transform_output.raw_feature_spec()[dataset.label.column].dtype
    table, digest = _scan(files, parse, dataset, train, label_type)
    label, row_hash = table.pop(LABEL_KEY), table.pop(_HASH)
    share = min(train.held_out, _MAX_HELD_OUT / max(len(label), 1))
    held_out = row_hash % _SHARES < max(round(share * _SHARES), 1)
    if held_out.all() or not held_out.any():
        raise DataError(
            f"{len(label)} training rows are too few to hold {train.held_out:.0%} of them out for "
            "early stopping: add data, or change train.held_out"
        )
    if not train.cache:
        fit, rest = (
            TrainingRows(
                elements=_where(chosen, rows),
                labels=label[chosen],
                decode=parse,
                epoch_rows=train.epoch_rows,
                shuffle_buffer=min(int(chosen.sum()), _MAX_SHUFFLE_BUFFER),
            )
            for chosen in (~held_out, held_out)
        )
        return TrainingData(fit, rest, digest)
    sides: tuple[dict[str, np.ndarray], ...] = ({}, {})
    while table:
        name, values = table.popitem()
        for side, chosen in zip(sides, (~held_out, held_out), strict=True):
            side[name] = values[chosen]
    fit, rest = (
        _in_memory(side, label[chosen], train.epoch_rows)
        for side, chosen in zip(sides, (~held_out, held_out), strict=True)
    )
    return TrainingData(fit, rest, digest)


def _scan(
    files: Sequence[str],
    parse: Decode,
    dataset: Dataset,
    train: TrainSettings,
    label_type: tf.DType,
) -> tuple[dict[str, np.ndarray], str]:
    """Reads label and hash of the rows, their features if these stay in memory, and the digest."""
    most = train.epochs * train.epoch_rows + _MAX_HELD_OUT if train.cache else sys.maxsize
    sample = RowSample(most, train.seed)
    count, unlabelled, unknown, sums = 0, 0, 0, np.zeros(2, np.uint64)
    rows = tf.data.TFRecordDataset(files, compression_type="GZIP")
    for features, labels in rows.batch(SCAN_BATCH).map(parse, num_parallel_calls=tf.data.AUTOTUNE):
        label = labels.numpy()
        unlabelled += (np.isnan(label) if dataset.task is Task.REGRESSION else label < 0).sum()
        unknown += (label == UNKNOWN_LABEL).sum() if dataset.label_values() else 0
        row_hash = _row_hash([*(features[name] for name in sorted(features)), labels])
        sums += [row_hash.sum(), (row_hash * row_hash).sum()]  # modulo 2 to the 64
        count += len(label)
        kept = features if train.cache else {}
        columns = {name: _small(values.numpy()) for name, values in kept.items()}
        sample.add({LABEL_KEY: label, _HASH: row_hash, **columns})
    if unknown:
        column, known = dataset.label.column, dataset.label_values()
        counts = count_values(files, column, label_type)
        others = {value: number for value, number in counts.items() if value not in known}
        raise DataError(
            f"{unknown} of {count} training rows have unknown values of the label {column!r}: "
            f"{describe_unknown(others, known)}. Known: {', '.join(map(repr, known))}. Correct the "
            "data, or the label in configs/dataset.yaml"
        )
    if unlabelled:
        raise DataError(
            f"{unlabelled} of {count} training rows have no label that the task "
            f"{dataset.task} can use, in the column {dataset.label.column!r}: correct the data, or "
            "the label in dataset.yaml (label.missing: drop leaves out those where it is missing)"
        )
    digest = hashlib.sha256(f"{count} {sums.tolist()}".encode()).hexdigest()[:16]
    none = {LABEL_KEY: np.empty(0), _HASH: np.empty(0, np.uint64)}
    return {**none, **sample.table()}, digest


def _small(values: np.ndarray) -> np.ndarray:
    """Halves the memory of codes."""
    return values.astype(np.int32) if values.dtype == np.int64 else values


def _in_memory(table: dict[str, np.ndarray], labels: np.ndarray, epoch_rows: int) -> TrainingRows:
    columns = {}
    while table:  # so that only one column is in memory twice
        name, values = table.popitem()
        columns[name] = tf.constant(values)
    all_labels = tf.constant(labels)

    @tf.autograph.experimental.do_not_convert
    def decode(numbers: tf.Tensor) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        features = {name: tf.gather(column, numbers) for name, column in columns.items()}
        for name, column in features.items():
            if column.dtype == tf.int32:
                features[name] = tf.cast(column, tf.int64)
        return features, tf.gather(all_labels, numbers)

    return TrainingRows(
        elements=tf.data.Dataset.range(len(labels)),
        labels=labels,
        decode=decode,
        epoch_rows=epoch_rows,
        shuffle_buffer=None,
    )


def _row_hash(columns: Sequence[tf.Tensor]) -> np.ndarray:
    """Hash of each row, uint64, without columns that the model ignores."""
    values = [column.numpy().reshape(len(column), -1).view(np.uint8) for column in columns]
    table = np.concatenate(values, axis=1)
    hashes = b"".join(hashlib.blake2b(row, digest_size=8).digest() for row in table)
    return np.frombuffer(hashes, "<u8")


def _where(chosen: np.ndarray, rows: tf.data.Dataset) -> tf.data.Dataset:
    pairs = tf.data.Dataset.zip(tf.data.Dataset.from_tensor_slices(chosen), rows)
    return pairs.filter(lambda is_chosen, _: is_chosen).map(lambda _, row: row)


def _parser(transform_output: tft.TFTransformOutput, dataset: Dataset) -> Decode:
    raw_spec = transform_output.raw_feature_spec()
    label = dataset.label  # its columns may have a role, and still be in no feature
    columns = {*model_columns(transform_output), label.column, label.times or label.column}
    spec = {name: raw_spec[name] for name in columns}
    shapes = {k: [None, *v.shape] for k, v in transform_output.transformed_feature_spec().items()}
    transform = transform_output.transform_features_layer()

    @tf.autograph.experimental.do_not_convert  # AutoGraph takes a second and changes nothing
    def parse(rows: tf.Tensor) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        transformed = transform(tf.io.parse_example(rows, spec))
        # Keras needs shapes, which the graph lacks.
        features = {name: tf.ensure_shape(transformed[name], shapes[name]) for name in shapes}
        labels = features.pop(LABEL_KEY)
        return features, labels

    return parse


def epochs(rows: TrainingRows, batch_size: int, seed: int, first: int) -> tf.data.Dataset:
    """Endless batches of shuffled rows, epoch after epoch.

    The order of each epoch depends on the seed and its number only, so that a training that was
    killed continues with the batches that it would have seen.
    """
    steps, parts = rows.steps(batch_size), rows.parts(batch_size)

    @tf.autograph.experimental.do_not_convert  # AutoGraph finds nothing to convert, and is slow
    def one_epoch(number: tf.Tensor) -> tf.data.Dataset:
        a_pass, begin = number // parts, number % parts * steps
        if rows.shuffle_buffer is None:
            batches = _numbers(len(rows), batch_size, [seed, a_pass], begin, begin + steps)
        else:
            shuffled = rows.elements.shuffle(rows.shuffle_buffer, seed=seed + a_pass)
            batches = shuffled.batch(batch_size).skip(begin).take(steps)
        return batches.map(rows.decode, num_parallel_calls=tf.data.AUTOTUNE)

    numbers = tf.data.Dataset.range(first, np.iinfo(np.int64).max)
    return numbers.flat_map(one_epoch).prefetch(tf.data.AUTOTUNE)


def _numbers(
    rows: int, batch_size: int, seed: list[int | tf.Tensor], begin: tf.Tensor, end: tf.Tensor
) -> tf.data.Dataset:
    """Some batches of the numbers 0 to `rows` in a random order, without computing the others."""
    places = tf.data.Dataset.range(begin * batch_size, tf.minimum(end * batch_size, rows))
    return places.batch(batch_size).map(
        lambda place: tf.random.experimental.index_shuffle(place, seed, rows - 1)
    )


def in_order(rows: TrainingRows) -> tf.data.Dataset:
    """All rows once, in large batches, for measurements."""
    batches = rows.elements.batch(SCAN_BATCH).map(rows.decode, num_parallel_calls=tf.data.AUTOTUNE)
    # tf.data cannot count the rows behind a filter, and Keras warns of an unknown number.
    return batches.apply(tf.data.experimental.assert_cardinality(rows.all_batches(SCAN_BATCH)))


class RowSample:
    """Uniform random sample of rows, of bounded size, in the order of the rows."""

    def __init__(self, most: int, seed: int) -> None:
        """Starts without rows.

        Args:
            most: Size of the sample.
            seed: Seed of the choice; the same rows in the same order give the same sample.
        """
        self._most = most
        self._random = np.random.default_rng(seed)
        self._limit = 1.0
        self._batches: list[dict[str, np.ndarray]] = []
        self._rows = 0

    def add(self, columns: dict[str, np.ndarray]) -> None:
        """Adds a batch of rows, and keeps some of them.

        Args:
            columns: Values by name, with a row in the first dimension; the same columns each time.
        """
        rows = len(next(iter(columns.values())))
        chance = self._random.random(rows)
        kept = np.flatnonzero(chance < self._limit)
        if len(kept):
            batch = {**columns, _CHANCE: chance}
            self._batches.append({name: values[kept] for name, values in batch.items()})
        self._rows += len(kept)
        if self._rows > self._most * _SLACK:
            self._shrink()

    def table(self) -> dict[str, np.ndarray]:
        """Returns the sample, as one array for each column, and empties it."""
        if self._rows > self._most:
            self._shrink()
        table = self._joined()
        table.pop(_CHANCE, None)
        return table

    def _shrink(self) -> None:
        """Keeps the rows with the smallest chances, whose maximum is the limit for later rows."""
        table = self._joined()
        chance = table[_CHANCE]
        self._limit = np.partition(chance, self._most)[self._most]
        kept = chance < self._limit
        self._batches = [{name: table.pop(name)[kept] for name in list(table)}]
        self._rows = int(kept.sum())

    def _joined(self) -> dict[str, np.ndarray]:
        names = list(self._batches[0]) if self._batches else []
        # Column by column, so that only one is in memory twice.
        table = {
            name: np.concatenate([batch.pop(name) for batch in self._batches]) for name in names
        }
        self._batches = []
        return table
