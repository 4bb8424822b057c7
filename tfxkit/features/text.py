"""Free text as hashed words and pairs of words that follow each other; in the Transform graph."""

from __future__ import annotations

import tensorflow as tf

from tfxkit.features.model_inputs import MISSING_CODE

WORDS = 100  # of a text; those that follow are left out
TERMS = 2 * WORDS - 1  # with the pairs of neighbours

# What a word is made of; Chinese and Japanese are written without spaces: each character is one.
_BETWEEN_WORDS = r"[^\pL\pM\pN]+"
_WORD_BY_ITSELF = r"([\p{Han}\p{Hiragana}\p{Katakana}])"


def word_codes(texts: tf.Tensor, buckets: int) -> tf.Tensor:
    """Hashes the first `WORDS` words of each text, in lower case, and the pairs among them.

    Args:
        texts: Of shape [batch].
        buckets: How many codes there are, besides that of no word.

    Returns:
        int64 of shape [batch, 2 * WORDS - 1]: first the words, then the pairs, each part filled up
        with `MISSING_CODE`.
    """
    texts = tf.strings.lower(texts, encoding="utf-8")
    texts = tf.strings.regex_replace(texts, _WORD_BY_ITSELF, r" \1 ")
    texts = tf.strings.strip(tf.strings.regex_replace(texts, _BETWEEN_WORDS, " "))
    words = tf.strings.split(texts, sep=" ").to_tensor("", shape=[None, WORDS])
    second = words[:, 1:]
    pairs = tf.strings.join([words[:, :-1], second], separator=" ")
    terms = tf.concat([words, pairs], axis=1)
    there = tf.concat([words, second], axis=1) != ""
    codes = tf.strings.to_hash_bucket_fast(terms, buckets) + MISSING_CODE + 1
    return tf.where(there, codes, tf.constant(MISSING_CODE, tf.int64))
