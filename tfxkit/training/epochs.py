"""Rows in the order in which a training sees them: shuffled, epoch after epoch; or as they are."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from tfxkit.training.input_pipeline import SCAN_BATCH, Rows


def epochs(rows: Rows, batch_size: int, seed: int, first: int) -> tf.data.Dataset:
    """Endless batches of shuffled rows, epoch after epoch.

    The order of each epoch depends on the seed and its number only, so that a training that was
    killed goes on with the batches that it would have seen.
    """
    steps, parts = rows.steps(batch_size), rows.parts(batch_size)

    @tf.autograph.experimental.do_not_convert  # there is nothing to convert, but it looks for long
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
    """Some batches of the numbers 0 to `rows` in a random order, at the cost of these alone."""
    places = tf.data.Dataset.range(begin * batch_size, tf.minimum(end * batch_size, rows))
    return places.batch(batch_size).map(
        lambda place: tf.random.experimental.index_shuffle(place, seed, rows - 1)
    )


def in_order(rows: Rows) -> tf.data.Dataset:
    """All rows once, in large batches: to measure on."""
    batches = rows.elements.batch(SCAN_BATCH).map(rows.decode, num_parallel_calls=tf.data.AUTOTUNE)
    # Rows that a filter let through are of unknown number for tf.data, which Keras warns of.
    return batches.apply(tf.data.experimental.assert_cardinality(rows.all_batches(SCAN_BATCH)))
