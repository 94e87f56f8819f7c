"""Which units to take out, one after the other, so that a shown product falls fastest: our order of several units.

Single removals say nothing of what two units share: of two that each make up for the other, neither does much alone.
"""

from collections.abc import Iterable
from typing import Protocol

import numpy as np

from .fidelity import EXACT_UNITS

# Units chosen in turn for a long history; the rest follow by what each does alone.
DEPTH = 5


class Lists(Protocol):
    """One list, ranked without any set of units; see ListsWithout."""

    units: list[int]
    shown: list[int]

    def ask(self, removed: Iterable[frozenset[int]]) -> None: ...

    def log_shares(self, removed: frozenset[int]) -> np.ndarray: ...


def removal_orders(lists: Lists) -> list[list[int]]:
    """For each shown product all units, each the one that lowers log p most with those before it already gone.

    The first is the strongest alone; of equal ones the one met last comes first. All but one unit of at most
    EXACT_UNITS are chosen so, the first DEPTH of more.
    """
    units = lists.units
    depth = len(units) - 1 if len(units) <= EXACT_UNITS else DEPTH
    orders: list[list[int]] = [[] for _ in lists.shown]
    for _ in range(depth):
        lists.ask(frozenset([*order, unit]) for order in orders for unit in units if unit not in order)
        orders = [[*order, _next(lists, place, order)] for place, order in enumerate(orders)]
    return [order + _alone(lists, place, order) for place, order in enumerate(orders)]


def _next(lists: Lists, place: int, gone: list[int]) -> int:
    left = [unit for unit in lists.units if unit not in gone]
    return min(left, key=lambda unit: lists.log_shares(frozenset([*gone, unit]))[place])


def _alone(lists: Lists, place: int, gone: list[int]) -> list[int]:
    """What is left, the strongest first."""
    left = [unit for unit in lists.units if unit not in gone]
    return sorted(left, key=lambda unit: lists.log_shares(frozenset([unit]))[place]) if len(left) > 1 else left
