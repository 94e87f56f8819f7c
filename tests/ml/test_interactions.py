import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommendations.ml.interactions import InteractionLog
from recommendations.ml.kinds import Kind

ROWS = st.lists(st.tuples(st.integers(1, 4), st.integers(0, 5), st.sampled_from(Kind), st.integers(0, 6)))


def log_of(rows, seed=0):
    columns = list(zip(*rows, strict=True)) if rows else [(), (), (), ()]
    return InteractionLog.from_rows(*columns, seed=seed)


def rows_of(log):
    return list(zip(log.shopper.tolist(), log.item.tolist(), log.kind.tolist(), log.time.tolist(), strict=True))


def test_rows_are_sorted_by_shopper_then_time():
    log = log_of([(2, 1, Kind.VIEW, 5), (1, 2, Kind.VIEW, 9), (1, 3, Kind.VIEW, 4)])
    assert rows_of(log) == [(1, 3, 1, 4), (1, 2, 1, 9), (2, 1, 1, 5)]


def test_searches_removals_returns_and_unknown_products_are_dropped_and_counted():
    log = log_of(
        [
            (1, 0, Kind.VIEW, 1),
            (1, 2, Kind.SEARCH, 2),
            (1, 2, Kind.REMOVE_FROM_CART, 3),
            (1, 2, Kind.RETURN, 4),
            (1, 2, Kind.PURCHASE, 5),
        ]
    )
    assert rows_of(log) == [(1, 2, Kind.PURCHASE, 5)]
    assert log.dropped == 4


@given(ROWS, st.randoms(use_true_random=False))
def test_order_does_not_depend_on_the_order_rows_came_in(rows, random):
    shuffled = list(rows)
    random.shuffle(shuffled)
    assert rows_of(log_of(rows)) == rows_of(log_of(shuffled))


@given(ROWS, ROWS)
def test_rows_before_a_time_do_not_depend_on_later_rows(rows, later):
    later = [(s, i, k, t + 100) for s, i, k, t in later]
    assert rows_of(log_of(rows + later).before(100)) == rows_of(log_of(rows))


def test_lines_of_one_order_are_shuffled_by_the_seed():
    order = [(1, item, Kind.PURCHASE, 7) for item in range(1, 51)]
    first, second = log_of(order, seed=1).item.tolist(), log_of(order, seed=2).item.tolist()
    assert first != second
    assert sorted(first) != first
    assert first == log_of(order, seed=1).item.tolist()


@given(ROWS)
def test_rows_of_one_time_stand_by_the_names_of_items_whatever_their_numbers(rows):
    names = np.array([0, 50, 20, 90, 70, 30])
    ours = InteractionLog.from_rows(*(zip(*rows, strict=True) if rows else [()] * 4), names=names)
    behind = [(s, i + (i > 0), k, t) for s, i, k, t in rows]  # a product more, which is the first
    theirs = InteractionLog.from_rows(*(zip(*behind, strict=True) if rows else [()] * 4), names=np.insert(names, 1, 10))
    assert rows_of(theirs) == [(s, i + (i > 0), k, t) for s, i, k, t in rows_of(ours)]


@given(ROWS, st.integers(0, 7))
def test_before_and_from_time_divide_the_log(rows, time):
    log = log_of(rows)
    before, after = log.before(time), log.from_time(time)
    assert sorted(rows_of(before) + rows_of(after)) == sorted(rows_of(log))
    assert all(row[3] < time for row in rows_of(before))
    assert all(row[3] >= time for row in rows_of(after))


@given(ROWS)
def test_by_shopper_covers_every_row_once(rows):
    log = log_of(rows)
    seen = [(shopper, row) for shopper, rows in log.by_shopper() for row in range(rows.start, rows.stop)]
    assert [row for _, row in seen] == list(range(len(log)))
    assert all(log.shopper[row] == shopper for shopper, row in seen)


def test_columns_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match=r"the columns have \[1, 2\] rows"):
        InteractionLog.from_rows(np.ones(2), np.ones(2), np.ones(2), np.ones(1))
