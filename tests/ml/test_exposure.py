from math import log, log2

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommendations.ml.exposure import SMOOTHING, gini, miscalibration, novelty, self_information
from recommendations.ml.interactions import InteractionLog
from recommendations.ml.kinds import Kind


def test_gini_of_lists_that_show_everything_alike_is_zero():
    assert gini([[1, 2], [3, 4]], n=4, k=2) == 0


def test_gini_of_one_item_in_every_place_is_one():
    assert gini([[3], [3], [3]], n=5, k=1) == 1


def test_gini_by_hand():
    # Places 0, 1, 3 of three items: ((2-4)*0 + (4-4)*1 + (6-4)*3) / (2 * 4)
    assert gini([[1, 2], [1], [1]], n=3, k=2) == pytest.approx(6 / 8)


def test_gini_counts_the_first_k_only():
    assert gini([[1, 2], [1, 3]], n=3, k=1) == 1


@given(st.lists(st.lists(st.integers(1, 9), unique=True, max_size=5), max_size=8))
def test_gini_is_the_mean_difference_of_two_items(lists):
    places = np.bincount([item for ranked in lists for item in ranked], minlength=10)[1:]
    by_hand = np.abs(places[:, None] - places[None]).sum() / (2 * 8 * places.sum()) if places.sum() else 0
    assert gini(lists, 9, 5) == pytest.approx(by_hand)


LOG = InteractionLog.from_rows(
    [1, 1, 2, 3, 3], [1, 1, 1, 1, 2], [Kind.VIEW] * 5, [1, 2, 3, 4, 5]
)  # all three shoppers met item 1, one of them item 2, nobody item 3


def test_self_information_counts_shoppers_not_events():
    assert self_information(LOG, 3)[1:].tolist() == [0, log2(4 / 2), log2(4 / 1)]


def test_novelty_is_the_mean_over_the_places():
    information = self_information(LOG, 3)
    assert novelty([[1, 2], [3, 1]], information, k=2) == pytest.approx((0 + 1 + 2 + 0) / 4)
    assert novelty([[1, 2], [3, 1]], information, k=1) == pytest.approx((0 + 2) / 2)
    assert novelty([[]], information, k=1) == 0


CATEGORY = np.array([0, 1, 1, 2, 2, 0])  # of items 0..5; item 5 has none


def test_a_list_with_the_shares_of_the_past_is_calibrated():
    assert miscalibration([np.array([1, 3])], [[2, 4]], CATEGORY, 10).tolist() == [0]


def test_miscalibration_by_hand():
    # The past: 3/4 and 1/4; the list: 1/2 and 1/2.
    mixed = [(1 - SMOOTHING) * 0.5 + SMOOTHING * p for p in (0.75, 0.25)]
    by_hand = 0.75 * log(0.75 / mixed[0]) + 0.25 * log(0.25 / mixed[1])
    found = miscalibration([np.array([1, 2, 1, 3])], [[2, 4]], CATEGORY, 10)
    assert found.tolist() == [pytest.approx(by_hand)]


def test_a_category_that_is_missing_from_the_list_costs_a_lot_but_not_everything():
    found = miscalibration([np.array([1])], [[3, 4]], CATEGORY, 10)
    assert found.tolist() == [pytest.approx(log(1 / SMOOTHING))]


def test_what_has_no_category_says_nothing():
    found = miscalibration([np.array([5]), np.array([1, 5]), np.array([1])], [[1], [2, 5], [5]], CATEGORY, 10)
    assert np.isnan(found).tolist() == [True, False, True]
    assert found[1] == 0


@given(st.lists(st.integers(1, 4), min_size=1, max_size=9), st.lists(st.integers(1, 4), min_size=1, max_size=9))
def test_miscalibration_is_never_below_zero(past, ranked):
    assert miscalibration([np.array(past)], [ranked], CATEGORY, 20)[0] >= -1e-12
