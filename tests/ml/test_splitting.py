import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommendations.ml.interactions import InteractionLog
from recommendations.ml.kinds import Kind
from recommendations.ml.sequences import READ_LIMIT
from recommendations.ml.splitting import NotEnoughData, hold_out, split_time


def log_of(*rows):
    """Rows of (shopper, item, time)."""
    shopper, item, time = (np.array(column) for column in zip(*rows, strict=True))
    return InteractionLog.from_rows(shopper, item, np.full(len(item), Kind.PURCHASE), time)


def lists(arrays):
    return [array.tolist() for array in arrays]


def test_split_time_leaves_the_newest_share():
    assert split_time(log_of(*[(1, 1, t) for t in range(100)]), share=0.1) == 90


def test_split_time_keeps_a_past_when_most_rows_are_old():
    assert split_time(log_of(*[(1, 1, 5)] * 98, (1, 1, 6), (1, 1, 7)), share=0.1) == 6


def test_split_time_of_nothing_says_what_to_do():
    empty = InteractionLog.from_rows([], [], [], [])
    with pytest.raises(NotEnoughData, match="no interactions with products yet; record some, or import past orders"):
        split_time(empty)


def test_split_time_of_one_moment():
    with pytest.raises(NotEnoughData, match="all 2 interactions have the same time"):
        split_time(log_of((1, 1, 5), (2, 1, 5)))


@given(st.lists(st.integers(0, 50), min_size=2).filter(lambda times: len(set(times)) > 1), st.floats(0.01, 0.9))
def test_split_time_always_leaves_a_past_and_a_future(times, share):
    log = log_of(*[(1, 1, t) for t in times])
    cutoff = split_time(log, share)
    assert len(log.before(cutoff)) and len(log.from_time(cutoff))


def test_held_out_shoppers_have_a_past_and_a_future():
    held = hold_out(log_of((1, 4, 1), (1, 5, 9), (2, 4, 1), (3, 4, 9)), cutoff=5)
    assert held.shopper.tolist() == [1]
    assert held.histories[0].items.tolist() == [4]
    assert held.targets[0].tolist() == [5]


def test_targets_are_the_distinct_products_from_the_cutoff_on():
    held = hold_out(log_of((1, 4, 1), (1, 9, 5), (1, 4, 6), (1, 9, 7)), cutoff=5)
    assert lists(held.targets) == [[4, 9]]
    assert held.repeating() == 1


def test_new_products_are_those_never_met_before():
    held = hold_out(log_of((1, 4, 1), (1, 4, 6), (1, 9, 7), (2, 4, 1), (2, 4, 8)), cutoff=5)
    new = held.new_only()
    assert new.shopper.tolist() == [1]
    assert lists(new.targets) == [[9]]


def test_met_counts_the_whole_past_and_the_history_is_as_serving_reads_it():
    old = [(1, 7, 0)] * 2
    held = hold_out(log_of(*old, *[(1, 1 + t % 2, 1 + t) for t in range(READ_LIMIT)], (1, 9, 5000)), cutoff=4000)
    assert len(held.histories[0]) == READ_LIMIT
    assert not held.histories[0].complete
    assert lists(held.met) == [[1, 2, 7]]
    assert lists(held.met_counts) == [[READ_LIMIT // 2, READ_LIMIT // 2, 2]]


def test_halves_share_no_shopper_and_lose_none():
    held = hold_out(log_of(*[(s, 1, t) for s in range(7) for t in (1, 9)]), cutoff=5)
    first, second = held.halves()
    assert sorted([*first.shopper, *second.shopper]) == list(range(7))
    assert not set(first.shopper) & set(second.shopper)


def test_of_many_shoppers_a_few_judge_and_three_times_as_many_choose():
    log = log_of(*[(s, 1, t) for s in range(50) for t in (1, 9)])
    first, again, other = (hold_out(log, 5, judged=10, seed=seed).shopper.tolist() for seed in (1, 1, 2))
    assert first == again != other
    assert [len(half) for half in hold_out(log, 5, judged=10).halves()] == [30, 10]
    assert [len(half) for half in hold_out(log, 5, judged=20).halves()] == [30, 20]
    assert [len(half) for half in hold_out(log, 5, judged=40).halves()] == [25, 25]
