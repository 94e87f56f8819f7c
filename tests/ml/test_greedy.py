"""Our order of several units, on lists whose every subset is written down."""

from itertools import permutations
from math import log

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from recommendations.ml.fidelity import EXACT_UNITS, Standing, deletion
from recommendations.ml.greedy import DEPTH, removal_orders


class Written:
    """Two shown products and p of each without each set of units."""

    def __init__(self, units, *shares):
        self.units, self.shown, self.shares = units, list(range(len(shares))), shares
        self.asked = set()

    def ask(self, removed):
        self.asked.update(removed)

    def log_shares(self, removed):
        return np.log([share(removed) for share in self.shares])


# 1 and 2 make up for each other: alone each is worth .1, together .7; 3 is worth .2 whatever else is there.
def redundant(removed):
    return 0.95 - 0.2 * (3 in removed) - (0.7 if {1, 2} <= removed else 0.1 * len({1, 2} & removed))


def added(removed):
    return 0.95 - 0.5 * (2 in removed) - 0.3 * (1 in removed) - 0.1 * (3 in removed)


def test_the_first_is_the_strongest_alone_and_each_product_has_its_own():
    assert removal_orders(Written([1, 2, 3], redundant, added)) == [[3, 1, 2], [2, 1, 3]]


def test_what_is_gone_already_counts():
    # Without 4 gone first, 3 beats 1 and 2; once 4 and 1 are gone, 2 is worth .6 and 3 is worth .1.
    def share(removed):
        return (
            0.9 - 0.1 * (3 in removed) - 0.15 * (1 in removed) - (0.6 if {1, 2} <= removed else 0.05 * (2 in removed))
        )

    assert removal_orders(Written([3, 2, 1], share)) == [[1, 2, 3]]  # by what each does alone: 1, 3, 2


def test_of_equal_units_the_one_met_last_comes_first():
    assert removal_orders(Written([7, 5, 6], lambda removed: 1 - 0.1 * len(removed))) == [[7, 5, 6]]


def test_one_unit_is_its_own_order():
    assert removal_orders(Written([4], added)) == [[4]]


def test_beyond_a_few_units_only_the_first_are_chosen_in_turn():
    units = list(range(EXACT_UNITS + 3, 0, -1))
    # The higher the number, the more it does; the lowest ones wait for the others to be gone.
    lists = Written(units, lambda removed: 1 - sum(removed) / 100)
    assert removal_orders(lists) == [units]
    assert max(map(len, lists.asked)) == DEPTH


def test_the_whole_list_is_asked_for_at_once():
    lists = Written([1, 2, 3], redundant, added)
    removal_orders(lists)
    assert lists.asked == {frozenset(some) for some in ([1], [2], [3], [1, 3], [2, 3], [1, 2])}


@given(st.data())
def test_no_other_second_unit_lowers_it_more_after_our_first(data):
    units = [1, 2, 3, 4]
    table = {}

    def share(removed):
        return table.setdefault(removed, data.draw(st.floats(0.01, 1)))

    order = removal_orders(Written(units, share))[0]
    assert sorted(order) == units
    without = lambda removed: Standing(1, log(share(removed)))  # noqa: E731
    for other in permutations(units):
        assert deletion(without, order, 1) <= deletion(without, other, 1)
        if other[0] == order[0]:
            assert deletion(without, order, 2) <= deletion(without, other, 2)
