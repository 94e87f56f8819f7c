import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommendations.ml.interactions import InteractionLog
from recommendations.ml.kinds import NEUTRAL, SEQUENCE_KINDS, Kind
from recommendations.ml.sequences import SEQUENCE_LENGTH, History, merge_runs
from recommendations.ml.training.windows import (
    ROW_LENGTH,
    batches,
    draw_pass,
    pack,
    read_kinds,
    token_starts,
    window_starts,
)

ALL_KINDS = read_kinds([int(kind) for kind in SEQUENCE_KINDS])
EVENTS = st.lists(st.tuples(st.integers(1, 3), st.integers(1, 6), st.sampled_from(SEQUENCE_KINDS)), max_size=300)


def log_of(events):
    """(shopper, item, kind) at one second after the other."""
    columns = list(zip(*events, strict=True)) if events else [(), (), ()]
    return InteractionLog.from_rows(*columns, np.arange(len(events)))


def plain_pass(log, deletion=0.0, kind_dropout=0.0, as_read=ALL_KINDS, seed=0):
    return draw_pass(log, as_read, deletion, kind_dropout, np.random.default_rng(seed))


def windows_of(rows):
    """{window: (items, kinds, targets)}."""
    found = {}
    for window in np.unique(rows.windows[rows.items > 0]).tolist():
        place = (rows.windows == window) & (rows.items > 0)
        assert rows.positions[place].tolist() == list(range(place.sum()))
        found[window] = (rows.items[place].tolist(), rows.kinds[place].tolist(), rows.targets[place].tolist())
    return found


@given(st.lists(st.integers(1, ROW_LENGTH)))
def test_pack_puts_every_window_in_a_row_and_none_on_another(lengths):
    row, offset, count = pack(lengths)
    taken = [(r, o + k) for r, o, length in zip(row, offset, lengths, strict=True) for k in range(length)]
    assert len(set(taken)) == len(taken) == sum(lengths)
    assert all(0 <= place < ROW_LENGTH for _, place in taken)
    assert {r for r, _ in taken} == set(range(count))


@given(st.lists(st.integers(1, ROW_LENGTH), min_size=1))
def test_pack_leaves_at_most_one_row_half_empty(lengths):
    row, _, count = pack(lengths)
    filled = np.bincount(row, lengths, minlength=count)
    assert (filled * 2 <= ROW_LENGTH).sum() <= 1


@settings(deadline=None)
@given(EVENTS)
def test_a_pass_throws_nothing_away(events):
    log = log_of(events)
    windows = windows_of(plain_pass(log))
    tokens_read = sorted(pair for items, kinds, _ in windows.values() for pair in zip(items, kinds, strict=True))
    expected = []
    for _, rows in log.by_shopper():
        expected += zip(*(a.tolist() for a in merge_runs(log.item[rows], log.kind[rows])), strict=True)
    assert tokens_read == sorted(expected)
    assert all(len(items) <= SEQUENCE_LENGTH for items, _, _ in windows.values())


@settings(deadline=None)
@given(EVENTS)
def test_targets_are_what_came_next(events):
    for items, _, targets in windows_of(plain_pass(log_of(events))).values():
        assert targets[:-1] == items[1:]


def test_a_window_is_followed_by_the_first_item_of_the_next():
    items = [1 + k % 7 for k in range(SEQUENCE_LENGTH + 30)]
    windows = list(windows_of(plain_pass(log_of([(1, item, Kind.VIEW) for item in items]))).values())
    last_targets = [targets[-1] for _, _, targets in windows]
    first_items = [window_items[0] for window_items, _, _ in windows]
    assert last_targets.count(0) == 1
    assert all(target == 0 or target in first_items for target in last_targets)


def test_a_shoppers_last_token_has_no_target():
    windows = windows_of(plain_pass(log_of([(1, 5, Kind.VIEW), (2, 6, Kind.VIEW)])))
    assert [targets for _, _, targets in windows.values()] == [[0], [0]]


def test_lines_of_one_order_come_in_a_new_order_in_each_pass():
    log = InteractionLog.from_rows([1] * 30, range(1, 31), [Kind.PURCHASE] * 30, [7] * 30)
    first, second = (plain_pass(log, seed=seed).items[0, :30].tolist() for seed in (1, 2))
    assert sorted(first) == sorted(second) == list(range(1, 31))
    assert first != second


def test_deletion_leaves_out_the_share_asked():
    log = log_of([(1, 1 + k % 50, Kind.VIEW) for k in range(5000)])
    left = (plain_pass(log, deletion=0.15).items > 0).sum()
    assert left == pytest.approx(0.85 * 5000, rel=0.03)


def test_kind_dropout_makes_whole_windows_and_single_tokens_neutral():
    log = log_of([(1, 1 + k % 50, Kind.VIEW) for k in range(SEQUENCE_LENGTH * 400)])
    rows = plain_pass(log, kind_dropout=0.25)
    neutral = [np.mean(np.array(kinds) == NEUTRAL) for _, kinds, _ in windows_of(rows).values() if len(kinds) > 40]
    assert np.mean(np.array(neutral) == 1) == pytest.approx(0.25, abs=0.07)
    assert np.mean([share for share in neutral if share < 1]) == pytest.approx(0.125, abs=0.02)


def test_kinds_that_are_not_trained_are_read_as_neutral():
    log = log_of([(1, 1, Kind.VIEW), (1, 2, Kind.SAVE)])
    [(_, kinds, _)] = windows_of(plain_pass(log, as_read=read_kinds([Kind.VIEW]))).values()
    assert kinds == [Kind.VIEW, NEUTRAL]


@given(EVENTS)
def test_token_starts_agree_with_the_one_builder(events):
    log = log_of(events)
    starts = token_starts(log.item, log.shopper)
    expected = []
    for _, rows in log.by_shopper():
        history = History(log.item[rows], log.kind[rows])
        expected += merge_runs(history.items, history.kinds)[0].tolist()
    assert log.item[starts].tolist() == expected


def test_short_histories_are_one_window():
    shopper = np.repeat([1, 2, 3], [SEQUENCE_LENGTH, 1, 20])
    assert window_starts(shopper, np.random.default_rng(0)).tolist() == [0, SEQUENCE_LENGTH, SEQUENCE_LENGTH + 1]


@given(st.integers(SEQUENCE_LENGTH + 1, 400), st.integers(0, 9))
def test_long_histories_are_cut_at_a_random_place_then_evenly(length, seed):
    starts = window_starts(np.ones(length), np.random.default_rng(seed))
    sizes = np.diff(np.append(starts, length))
    assert (sizes[1:-1] == SEQUENCE_LENGTH).all()
    assert sizes.max() <= SEQUENCE_LENGTH


def test_batches_divide_the_rows():
    rows = plain_pass(log_of([(1, 1 + k % 9, Kind.VIEW) for k in range(ROW_LENGTH * 5)]))
    parts = list(batches(rows, 2))
    assert [len(part) for part in parts[:-1]] == [2] * (len(parts) - 1)
    assert np.concatenate([part.items for part in parts]).tolist() == rows.items.tolist()


def test_a_pass_over_nothing_has_no_rows():
    assert len(plain_pass(log_of([]))) == 0
    assert len(plain_pass(log_of([(1, 1, Kind.VIEW)]), deletion=1.0)) == 0
