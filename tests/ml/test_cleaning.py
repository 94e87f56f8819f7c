import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommendations.ml import cleaning
from recommendations.ml.cleaning import AHEAD, BOT_VIEWS, CAUSES, EARLIEST, DataReport, came_back, clean
from recommendations.ml.kinds import SEQUENCE_KINDS, Kind

NOW = 1_800_000_000


def cleaned(*events, **options):
    """(what is kept, what was left out by cause), of (shopper, product, kind, seconds before NOW)."""
    report = DataReport()
    rows = np.array([(s, p, k, NOW - age) for s, p, k, age in events], np.int64).reshape(-1, 4)
    kept = clean(rows, report, NOW, **options)
    left_out = {cause: rows for cause, rows in report.left_out.items() if rows}
    return [(s, p, k, NOW - time) for s, p, k, time in kept.tolist()], left_out


def test_an_ordinary_log_stays_as_it_is():
    events = [(1, 5, Kind.VIEW, 30), (2, 5, Kind.PURCHASE, 20), (1, 6, Kind.SAVE, 10)]
    assert cleaned(*events) == (events, {})
    assert cleaned() == ([], {})


@pytest.mark.parametrize("age", [NOW - EARLIEST + 1, -AHEAD - 1])
def test_clock_errors(age):
    assert cleaned((1, 5, Kind.VIEW, age)) == ([], {"clock": 1})


@pytest.mark.parametrize("age", [NOW - EARLIEST, -AHEAD])
def test_times_that_can_be(age):
    assert cleaned((1, 5, Kind.VIEW, age))[1] == {}


def test_what_staff_look_at_is_left_out_and_what_they_buy_is_not():
    kept, left_out = cleaned((1, 5, Kind.VIEW, 9), (1, 5, Kind.PURCHASE, 8), (2, 5, Kind.VIEW, 7), staff=[1])
    assert kept == [(1, 5, Kind.PURCHASE, 8), (2, 5, Kind.VIEW, 7)]
    assert left_out == {"staff": 1}


def fast_views(count, seconds):
    return [(1, k, Kind.VIEW, 50_000 - k * seconds) for k in range(count)]


def test_who_looks_at_hundreds_of_products_in_an_hour_is_a_bot():
    kept, left_out = cleaned(*fast_views(BOT_VIEWS + 1, 5), (1, 9, Kind.PURCHASE, 1), (2, 9, Kind.VIEW, 1))
    assert kept == [(1, 9, Kind.PURCHASE, 1), (2, 9, Kind.VIEW, 1)]
    assert left_out == {"bots": BOT_VIEWS + 1}


@pytest.mark.parametrize(("count", "seconds"), [(BOT_VIEWS, 5), (BOT_VIEWS + 1, 6)])
def test_who_is_a_little_slower_is_not(count, seconds):
    assert cleaned(*fast_views(count, seconds))[1] == {}


def test_two_shoppers_are_not_one_bot():
    views = fast_views(BOT_VIEWS + 1, 5)
    assert cleaned(*((k % 2, p, kind, age) for k, (_, p, kind, age) in enumerate(views)))[1] == {}


def test_an_order_of_a_thousand_lines_is_no_bots():
    assert cleaned(*((1, k, Kind.PURCHASE, 7) for k in range(1_000)))[1] == {}


def test_the_same_in_the_same_second_counts_once():
    kept, left_out = cleaned(*[(1, 5, Kind.VIEW, 9)] * 3, (1, 5, Kind.SAVE, 9), (1, 5, Kind.VIEW, 8))
    assert sorted(kept) == [(1, 5, Kind.VIEW, 8), (1, 5, Kind.VIEW, 9), (1, 5, Kind.SAVE, 9)]
    assert left_out == {"duplicates": 2}


@given(
    st.lists(st.tuples(*[st.integers(1, 2)] * 2, st.sampled_from(SEQUENCE_KINDS), st.integers(1, 2)), max_size=30),
    st.sampled_from([cleaning.MIXER, np.int64(0)]),
)
def test_each_stays_once_even_if_different_ones_get_one_number(events, mixer):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cleaning, "MIXER", mixer)
        kept, left_out = cleaned(*events)
    assert sorted(kept) == sorted(set(events))
    assert left_out.get("duplicates", 0) == len(events) - len(set(events))


def test_a_purchase_that_came_back_is_left_out_and_the_view_before_it_stays():
    returned = [(1, 5, 2, NOW - 8)]
    kept, left_out = cleaned(
        (1, 5, Kind.VIEW, 8), (1, 5, Kind.PURCHASE, 8), (2, 5, Kind.PURCHASE, 8), returned=returned
    )
    assert kept == [(1, 5, Kind.VIEW, 8), (2, 5, Kind.PURCHASE, 8)]
    assert left_out == {"returned": 1}


def test_of_a_history_that_is_too_long_the_newest_stay(monkeypatch):
    monkeypatch.setattr(cleaning, "MOST_EVENTS", 2)
    kept, left_out = cleaned(*((s, 5, Kind.VIEW, age) for s in (1, 2) for age in (3, 9, 6)), (3, 5, Kind.VIEW, 1))
    assert sorted(kept) == [(s, 5, Kind.VIEW, age) for s in (1, 2) for age in (3, 6)] + [(3, 5, Kind.VIEW, 1)]
    assert left_out == {"too_long": 2}


def test_the_newest_purchase_before_the_return_came_back():
    bought = [(1, 5, 1, 10), (1, 5, 1, 20), (1, 5, 1, 40), (1, 6, 1, 20), (2, 5, 1, 20)]
    assert came_back([(1, 5, 1, 30)], bought) == [(1, 5, 1, 20)]
    assert came_back([(1, 5, 2, 30)], bought) == [(1, 5, 1, 20), (1, 5, 1, 10)]
    assert came_back([(1, 5, 1, 30), (1, 5, 1, 50)], bought) == [(1, 5, 1, 20), (1, 5, 1, 40)]


def test_a_part_of_a_purchase_undoes_nothing():
    assert came_back([(1, 5, 2, 30)], [(1, 5, 3, 10)]) == []
    assert came_back([(1, 5, 2, 30)], [(1, 5, 2, 5), (1, 5, 3, 10)]) == [(1, 5, 2, 5)]


def test_a_return_without_a_purchase_undoes_nothing():
    assert came_back([(1, 5, 1, 9)], [(1, 5, 1, 10), (1, 6, 1, 1)]) == []
    assert came_back([], [(1, 5, 1, 10)]) == []


EVENTS = st.lists(
    st.tuples(
        st.integers(1, 3), st.integers(1, 4), st.sampled_from(SEQUENCE_KINDS), st.sampled_from([-99_999, 0, 1, 2, NOW])
    )
)


@settings(max_examples=50)
@given(EVENTS, st.sets(st.integers(1, 3)))
def test_every_event_is_kept_or_counted_once(events, staff):
    kept, left_out = cleaned(*events, staff=staff, returned=[(1, 1, 1, NOW), (2, 3, 1, NOW - 1)])
    assert len(kept) + sum(left_out.values()) == len(events)
    assert set(kept) <= set(events)
    assert cleaned(*kept, staff=staff)[1] == {}


def test_the_report_names_every_cause_those_of_nothing_too():
    report = DataReport(kept=3)
    report.leave_out("bots", 2)
    told = report.to_dict()
    assert tuple(told["left_out"]) == CAUSES
    assert (told["rows"], told["kept"], told["left_out"]["bots"], told["left_out"]["clock"]) == (5, 3, 2, 0)
