import numpy as np
import pytest

from recommendations.ml.interactions import InteractionLog
from recommendations.ml.kinds import Kind
from recommendations.ml.training import cooccurrence
from recommendations.ml.training.cooccurrence import following_counts, next_item_table, svd_start, symmetric_ppmi


def log_of(*rows):
    """(shopper, item, time)."""
    shopper, item, time = (np.array(column) for column in zip(*rows, strict=True))
    return InteractionLog.from_rows(shopper, item, np.full(len(item), Kind.VIEW), time)


def in_a_row(*items, shopper=1):
    return [(shopper, item, time) for time, item in enumerate(items)]


def row_of(table, item):
    followers, values = table.row(item)
    return dict(zip(followers.tolist(), values.tolist(), strict=True))


def test_followers_count_one_over_the_distance():
    counts = following_counts(log_of(*in_a_row(1, 2, 3)), 3).toarray()
    assert counts.tolist() == [[0, 0, 0, 0], [0, 0, 1, 0.5], [0, 0, 0, 1], [0, 0, 0, 0]]


def test_the_window_ends_after_five():
    counts = following_counts(log_of(*in_a_row(1, 2, 3, 4, 5, 6, 7)), 7).toarray()
    assert counts[1, 6] == pytest.approx(1 / 5)
    assert counts[1, 7] == 0


def test_shoppers_do_not_follow_each_other():
    counts = following_counts(log_of(*in_a_row(1), *in_a_row(2, shopper=2)), 2)
    assert counts.nnz == 0


def test_many_views_of_one_product_are_one_token():
    counts = following_counts(log_of(*in_a_row(1, 1, 1, 2)), 2).toarray()
    assert counts[1, 2] == 1
    assert counts[1, 1] == 0


def test_lines_of_one_order_count_both_ways():
    counts = following_counts(log_of((1, 1, 5), (1, 2, 5)), 2).toarray()
    assert counts[1, 2] == counts[2, 1] == 1


@pytest.mark.parametrize("chunk", [1, 2, 7, 50])
def test_counts_in_chunks_are_those_of_the_whole(monkeypatch, chunk):
    for seed in range(5):
        rng = np.random.default_rng(seed)
        shopper, item, time = rng.integers(0, 8, 200), rng.integers(1, 10, 200), rng.integers(0, 30, 200)
        log = InteractionLog.from_rows(shopper, item, np.full(200, Kind.VIEW), time)
        monkeypatch.setattr(cooccurrence, "CHUNK", 1000)
        whole = following_counts(log, 9)
        monkeypatch.setattr(cooccurrence, "CHUNK", chunk)
        chunked = following_counts(log, 9)
        assert chunked.indptr.tolist() == whole.indptr.tolist()
        assert chunked.indices.tolist() == whole.indices.tolist()
        assert chunked.data == pytest.approx(whole.data, rel=1e-6)  # only the order of the sums differs


def test_rows_are_divided_by_the_root_of_their_sum_and_sum_to_one_on_average():
    table = next_item_table(following_counts(log_of(*in_a_row(1, 2, 3)), 3), np.ones(4), 0.0)
    # counts: 1 is followed by 2 once and by 3 half, 2 by 3 once; the rows' sums over their roots: 1.5 ** 0.5 and 1
    scale = (1.5**0.5 + 1) / 2
    assert row_of(table, 1) == pytest.approx({2: 1 / 1.5**0.5 / scale, 3: 0.5 / 1.5**0.5 / scale})
    assert row_of(table, 2) == pytest.approx({3: 1 / scale})
    assert row_of(table, 0) == row_of(table, 3) == {}


def test_a_power_prefers_what_is_special_to_the_item():
    counts = following_counts(log_of(*in_a_row(1, 2), *in_a_row(1, 3, shopper=2)), 3)
    popularity = np.array([0, 2, 16, 1.0])
    assert row_of(next_item_table(counts, popularity, 0.0), 1) == pytest.approx({2: 0.5, 3: 0.5})
    assert row_of(next_item_table(counts, popularity, 0.5), 1) == pytest.approx({2: 0.2, 3: 0.8})
    assert row_of(next_item_table(counts, popularity, 1.0), 1) == pytest.approx({2: 1 / 17, 3: 16 / 17})


def test_long_rows_keep_their_strongest(monkeypatch):
    monkeypatch.setattr(cooccurrence, "ROW_ENTRIES", 2)
    table = next_item_table(following_counts(log_of(*in_a_row(1, 2, 3, 4)), 4), np.ones(5), 0.0)
    assert sorted(row_of(table, 1)) == [2, 3]


def test_ppmi_is_symmetric_and_positive():
    ppmi = symmetric_ppmi(following_counts(log_of(*in_a_row(1, 2, 1, 2, 3, 4, 3, 4)), 4)).toarray()
    assert (ppmi == ppmi.T).all()
    assert (ppmi >= 0).all()
    assert ppmi[1, 2] > 0


def test_svd_starts_neighbours_near_each_other():
    rows = [row for s in range(40) for row in in_a_row(*([1, 2, 3] if s % 2 else [4, 5, 6]), shopper=s)]
    vectors = svd_start(following_counts(log_of(*rows), 6), width=2, seed=0)
    assert vectors.shape == (7, 2)
    assert vectors.dtype == np.float32
    assert (vectors[0] == 0).all()
    lengths = np.linalg.norm(vectors[1:], axis=1)
    alike = vectors[1:] @ vectors[1:].T / np.outer(lengths, lengths)
    assert alike[0, 1] > 0.9 > 0.5 > alike[0, 3]


def test_svd_has_the_scale_asked():
    log = log_of(*[(s, i, t) for s in range(60) for t, i in enumerate(np.random.default_rng(s).integers(1, 41, 12))])
    vectors = svd_start(following_counts(log, 40), width=8, seed=0)
    assert vectors[1:].std() == pytest.approx(0.05, rel=0.2)


def test_svd_of_fewer_items_than_columns_fills_up_with_noise():
    vectors = svd_start(following_counts(log_of(*in_a_row(1, 2)), 2), width=16, seed=0)
    assert vectors.shape == (3, 16)
    assert np.isfinite(vectors).all()
    assert (vectors[1:] != 0).all()


def test_svd_without_any_neighbours():
    vectors = svd_start(following_counts(log_of(*in_a_row(1)), 3), width=4, seed=0)
    assert np.isfinite(vectors).all()
