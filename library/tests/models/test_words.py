import numpy as np
import tensorflow as tf

from tfxkit.features.model_inputs import MISSING_CODE
from tfxkit.features.text import WORDS, word_codes

BUCKETS = 10_000


def codes(text):
    found = word_codes(tf.constant([text, "another row of other words"]), BUCKETS).numpy()[0]
    assert found.shape == (2 * WORDS - 1,)
    return found[found != MISSING_CODE].tolist()


def test_case_and_what_is_between_words_do_not_matter():
    assert codes("  Größe:\n\tNICHT (gut)... ") == codes("größe nicht gut")
    assert len(codes("größe nicht gut")) == 3 + 2


def test_a_pair_is_another_word_than_its_parts():
    a, b, pair = codes("not good")
    assert codes("good not")[:2] == [b, a]
    assert codes("good not")[2] != pair
    assert codes("notgood") not in ([pair], [a], [b])


def test_chinese_and_japanese_characters_are_words():
    assert len(codes("你好吗")) == 3 + 2
    assert codes("ab你好") == codes("AB 你 好")


def test_words_of_other_scripts_stay_whole():
    assert [len(codes(word)) for word in ("Привет", "नमस्ते", "안녕하세요", "x2")] == [1] * 4


def test_no_word_is_no_code():
    assert codes("") == codes(" -- !? ") == []


def test_a_long_text_is_cut():
    text = " ".join(f"w{i}" for i in range(3 * WORDS))
    assert len(codes(text)) == 2 * WORDS - 1
    assert codes(text) == codes(text + " more")


def test_text_that_is_no_utf8_does_no_harm():
    assert codes(b"good \xff\xfe day") == codes(b"good \xff\xfe day")


def test_codes_are_spread_over_the_buckets():
    texts = tf.constant([f"word{i}" for i in range(1000)])
    first = word_codes(texts, 64).numpy()[:, 0]
    assert set(np.unique(first)) == set(range(1, 65))
