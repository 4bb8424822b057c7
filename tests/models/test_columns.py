import numpy as np
import tensorflow as tf

from models.columns import as_text, first_value


def test_sparse_columns_give_their_first_value_and_what_is_missing():
    column = tf.sparse.from_dense([[3, 4], [0, 0], [5, 0]])
    values, missing = first_value(column)
    np.testing.assert_array_equal(values, [3, 0, 5])
    np.testing.assert_array_equal(missing, [False, True, False])


def test_a_batch_without_any_value_is_all_missing():
    column = tf.SparseTensor(tf.zeros((0, 2), tf.int64), tf.constant([], tf.string), [2, 0])
    values, missing = first_value(column)
    np.testing.assert_array_equal(values, [b"", b""])
    np.testing.assert_array_equal(missing, [True, True])


def test_nan_and_empty_text_are_missing():
    values, missing = first_value(tf.constant([[1.0], [np.nan]]))
    np.testing.assert_array_equal(values, [1.0, 0.0])
    np.testing.assert_array_equal(missing, [False, True])
    np.testing.assert_array_equal(first_value(tf.constant(["a", ""]))[1], [False, True])


def test_a_number_reads_the_same_whatever_its_type():
    texts = [
        as_text(tf.constant([8, -1], dtype)).numpy().tolist() for dtype in ("int64", "float32")
    ]
    assert texts == [[b"8", b"-1"]] * 2
