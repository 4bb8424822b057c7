"""A sample is whole while it is small, in order, and each row is as likely as another."""

import numpy as np

from tfxkit.training.input_pipeline import RowSample


def sampled(most: int, seed: int, rows: int, batch: int) -> np.ndarray:
    sample = RowSample(most, seed)
    for begin in range(0, rows, batch):
        number = np.arange(begin, min(begin + batch, rows))
        sample.add({"number": number, "pair": np.stack([number, -number], axis=1)})
    table = sample.table()
    assert table.keys() == {"number", "pair"}
    assert (table["pair"] == np.stack([table["number"], -table["number"]], axis=1)).all()
    return table["number"]


def test_few_rows_are_all_kept():
    assert sampled(100, 1, rows=100, batch=7).tolist() == list(range(100))


def test_of_many_so_many_are_kept_in_their_order():
    for rows in (101, 124, 126, 1000, 5000):
        kept = sampled(100, 1, rows, batch=7)
        assert len(kept) == 100
        assert (np.diff(kept) > 0).all()


def test_the_size_of_batches_changes_nothing():
    assert sampled(50, 3, 2000, batch=2000).tolist() == sampled(50, 3, 2000, batch=11).tolist()
    assert sampled(50, 4, 2000, batch=11).tolist() != sampled(50, 3, 2000, batch=11).tolist()


def test_each_row_is_as_likely_as_another():
    """Of 20 rows 5 are kept, 4,000 times: each comes a thousand times, give or take."""
    times = np.zeros(20)
    for seed in range(4000):
        times[sampled(5, seed, 20, batch=3)] += 1
    assert abs(times - 1000).max() < 5 * np.sqrt(4000 * 0.25 * 0.75)


def test_no_rows():
    assert RowSample(10, 1).table() == {}
