"""Every metric against numbers that can be worked out on paper."""

from itertools import permutations
from math import log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommendations.ml.fidelity import (
    EXACT_UNITS,
    Difference,
    Standing,
    aopc,
    aopc_bounds,
    deletion,
    evicting,
    insertion,
    is_false,
    is_false_leniently,
    minimal_pairs,
    naopc,
    paired_bootstrap,
    pos,
    specificity,
)


def carried_by(strengths, rank_of=lambda total: 1 if total >= 4 else 9):
    """An item whose p is a tenth of the strengths of the units that are left; it is first from 4 on, else ninth."""

    def without(removed):
        total = sum(strength for unit, strength in strengths.items() if unit not in removed)
        return Standing(rank_of(total), log(total / 10))

    return without


# p is .8 with everything, .3 without unit 1, .6 without 2, .7 without 3; only unit 1 evicts from the first 5.
ADDED = carried_by({1: 5, 2: 2, 3: 1})
UNITS = [1, 2, 3]
# Either of 1 and 2 is enough.
EITHER = carried_by({1: 5, 2: 5, 3: 0.5}, lambda total: 1 if total >= 5 else 9)


def test_pos_asks_whether_it_stays():
    assert pos(ADDED, [1, 2, 3], 1, limit=5) == 0
    assert pos(ADDED, [2, 3, 1], 2, limit=5) == 1
    assert pos(ADDED, [1, 2, 3], 1, limit=9) == 1


def test_deletion_is_a_log_ratio():
    assert deletion(ADDED, [1, 2, 3], 1) == pytest.approx(log(0.3 / 0.8))
    assert deletion(ADDED, [1, 2, 3], 2) == pytest.approx(log(0.1 / 0.8))


def test_insertion_keeps_only_the_first():
    assert insertion(ADDED, [1, 2, 3], 1) == pytest.approx(log(0.5 / 0.8))
    assert insertion(ADDED, [3, 2, 1], 2) == pytest.approx(log(0.3 / 0.8))


def test_aopc_averages_the_falls():
    assert aopc(ADDED, [1, 2, 3]) == pytest.approx(((0.8 - 0.3) + (0.8 - 0.1)) / 2)
    assert aopc(ADDED, [3, 2, 1]) == pytest.approx(((0.8 - 0.7) + (0.8 - 0.5)) / 2)


def test_aopc_bounds_are_the_best_and_the_worst_order():
    assert aopc_bounds(ADDED, UNITS) == pytest.approx((0.2, 0.6))


def test_naopc_is_a_place_between_the_bounds():
    assert naopc(0.6, (0.2, 0.6)) == 1
    assert naopc(0.3, (0.2, 0.6)) == pytest.approx(0.25)
    assert naopc(0.2, (0.2, 0.2)) is None


def test_a_label_is_false_when_the_item_stays_without_it():
    assert [is_false(ADDED, unit, 5) for unit in UNITS] == [False, True, True]
    assert evicting(ADDED, UNITS, 5) == [1]


def test_a_label_of_a_minimal_pair_is_strictly_false_and_leniently_true():
    assert is_false(EITHER, 1, 5)
    assert not is_false_leniently(EITHER, 1, UNITS, 5)
    assert is_false_leniently(EITHER, 3, UNITS, 5)
    assert minimal_pairs(EITHER, UNITS, 5) == [(1, 2)]


def test_a_pair_with_a_unit_that_is_enough_alone_is_not_minimal():
    assert minimal_pairs(ADDED, UNITS, 5) == []
    assert is_false_leniently(ADDED, 2, UNITS, 5)
    assert not is_false_leniently(ADDED, 1, UNITS, 5)


def test_specificity_is_over_items_that_something_evicts():
    assert specificity([1, 1, 2, 0]) == pytest.approx(2 / 3)
    assert specificity([0, 0]) is None


def test_bootstrap_of_a_constant_difference():
    assert paired_bootstrap([0.5, 0.75, 1.0], [0.25, 0.5, 0.75]) == Difference(0.25, 0.25, 0.25)


def test_bootstrap_of_noise_holds_zero_and_its_own_mean():
    found = paired_bootstrap([1, 0] * 50, [0, 1] * 50)
    assert found.mean == 0
    assert found.low < 0 < found.high
    # The mean of 100 values +-1 has a standard error of .1.
    assert found.high - found.low == pytest.approx(4 * 0.98 * 0.1, rel=0.15)


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="ke=3 of 3 units"):
        deletion(ADDED, UNITS, 3)
    with pytest.raises(ValueError, match="ke=1 of 1 units"):
        aopc(ADDED, [1])
    with pytest.raises(ValueError, match="2 and 1 values"):
        paired_bootstrap([1, 2], [1])


@st.composite
def made_standings(draw, most=4):
    """Units and a rank and a share for every subset of them."""
    units = list(range(1, draw(st.integers(2, most)) + 1))
    shares = st.floats(0.01, 1)
    table = {subset: Standing(draw(st.integers(1, 9)), log(draw(shares))) for subset in subsets(units)}
    return units, table.__getitem__


def subsets(units):
    return [frozenset(u for k, u in enumerate(units) if which >> k & 1) for which in range(2 ** len(units))]


@given(made_standings())
def test_aopc_bounds_hold_for_every_order_and_are_reached(made):
    units, without = made
    values = [aopc(without, order) for order in permutations(units)]
    assert aopc_bounds(without, units) == pytest.approx((min(values), max(values)))


@given(made_standings(), st.integers(1, 8))
def test_what_is_leniently_false_is_strictly_false(made, limit):
    units, without = made
    for unit in units:
        assert is_false(without, unit, limit) >= is_false_leniently(without, unit, units, limit)
        in_pairs = any(unit in pair for pair in minimal_pairs(without, units, limit))
        assert is_false_leniently(without, unit, units, limit) == (is_false(without, unit, limit) and not in_pairs)


def test_bounds_are_not_guessed_where_there_are_too_many_sets():
    units = list(range(1, EXACT_UNITS + 2))
    added = carried_by({unit: unit / 10 for unit in units})
    with pytest.raises(ValueError, match="8 units: expected at most 7"):
        aopc_bounds(added, units)
