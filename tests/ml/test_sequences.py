from itertools import groupby

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommendations.ml.kinds import SEQUENCE_KINDS, Kind
from recommendations.ml.sequences import REPEAT_WINDOW, SEQUENCE_LENGTH, History, tokens

EVENTS = st.lists(st.tuples(st.integers(1, 9), st.sampled_from(SEQUENCE_KINDS)), max_size=260)


def history_of(events, complete=True):
    return History.of([item for item, _ in events], [kind for _, kind in events], complete)


def viewed(*items):
    return History.of(items, [Kind.VIEW] * len(items))


def test_consecutive_events_of_one_product_are_one_token_of_the_strongest_kind():
    history = History.of([3, 3, 3, 5, 3], [Kind.VIEW, Kind.PURCHASE, Kind.ADD_TO_CART, Kind.VIEW, Kind.SAVE])
    items, kinds = tokens(history)
    assert items.tolist() == [3, 5, 3]
    assert kinds.tolist() == [Kind.PURCHASE, Kind.VIEW, Kind.SAVE]


def test_the_network_reads_the_newest_tokens():
    items, _ = tokens(viewed(*range(1, 71)))
    assert items.tolist() == list(range(21, 71))


def test_nothing_beyond_the_repeat_window_is_read():
    events = [1, 2] + [3, 3, 3, 3, 4] * (REPEAT_WINDOW // 5)
    assert tokens(viewed(*events))[0].tolist() == tokens(viewed(*events[2:]))[0].tolist()
    assert viewed(*events).units() == [4, 3]


def test_unknown_products_and_kinds_that_enter_no_sequence_are_left_out():
    history = History.of([0, 1, 2, 3], [Kind.VIEW, Kind.SEARCH, Kind.RETURN, Kind.SAVE])
    assert history.items.tolist() == [3]


def test_units_are_distinct_and_newest_first():
    assert viewed(1, 2, 1, 3, 2).units() == [2, 3, 1]
    assert viewed().units() == []


def test_lists_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match=r"items \(2,\) and kinds \(1,\) differ"):
        History.of([1, 2], [Kind.VIEW])


def test_removal_of_a_product_brings_its_neighbours_together():
    items, kinds = tokens(history_of([(1, Kind.VIEW), (2, Kind.VIEW), (1, Kind.PURCHASE)]).without(2))
    assert (items.tolist(), kinds.tolist()) == ([1], [Kind.PURCHASE])


@given(EVENTS)
def test_tokens_are_short_and_never_repeat_in_a_row(events):
    items, kinds = tokens(history_of(events))
    assert len(items) == len(kinds) <= SEQUENCE_LENGTH
    assert not (items[1:] == items[:-1]).any()
    assert items.dtype == np.int32 and kinds.dtype == np.int8


@given(EVENTS, st.integers(1, 9))
def test_without_equals_a_history_that_never_had_the_product(events, item):
    removed = history_of(events).without(item)
    never = history_of([event for event in events if event[0] != item])
    assert removed.items.tolist() == never.items.tolist()
    assert removed.kinds.tolist() == never.kinds.tolist()
    assert item not in removed.units()


@given(EVENTS, st.integers(10, 19))
def test_without_is_blind_to_which_product_was_removed(events, other):
    """Replace X by another product: what remains without it is the same (rule 5 of the explanations)."""
    replaced = [(other if item == 4 else item, kind) for item, kind in events]
    ours, theirs = tokens(history_of(events).without(4)), tokens(history_of(replaced).without(other))
    assert ours[0].tobytes() == theirs[0].tobytes()
    assert ours[1].tobytes() == theirs[1].tobytes()


@given(EVENTS)
def test_units_name_every_item_that_is_read(events):
    history = history_of(events)
    assert set(tokens(history)[0].tolist()) <= set(history.units())


def test_can_remove_only_while_the_window_stays_full():
    full = viewed(*([7] + [1, 2] * (REPEAT_WINDOW // 2)))
    unread_before = History(full.items, full.kinds, complete=False)
    assert unread_before.can_remove(7)
    assert not unread_before.can_remove(1)
    assert full.can_remove(1)


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 40)), max_size=80))
def test_few_are_merged_first_and_the_tokens_are_those_of_the_whole_window(runs):
    """However long products stand in a row: where the newest events make too few tokens, older ones are looked at."""
    items = np.array([item for item, length in runs for _ in range(length)], np.int32)[-REPEAT_WINDOW:]
    whole = [item for item, _ in groupby(items.tolist())][-SEQUENCE_LENGTH:]
    assert tokens(viewed(*items.tolist()))[0].tolist() == whole
