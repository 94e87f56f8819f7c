"""What serving would print for a list: its own classes and limits, in a shop whose products may all be named."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from recommendations.ml.lists_without import ListsWithout
from recommendations.ml.pairs import EitherEnough
from recommendations.ml.reasons import LeaveOneOut, witnesses_needed


@dataclass(frozen=True)
class Claim:
    """A "because": one unit (T1), or two of which either is enough (T2)."""

    item: int
    anchors: tuple[int, ...]

    @property
    def tier(self) -> str:
        return f"T{len(self.anchors)}"


def printed_claims(lists: ListsWithout) -> list[Claim | None]:
    """For each shown product what is printed under it, None for nothing.

    Of several true reasons the newest, which serving prefers where no category or event tells them apart.
    """
    left = LeaveOneOut(lists.scorer, lists.history, lists.pool, lists.pool_scores)
    places = {item: place for place, item in enumerate(lists.shown, start=1)}
    if len(lists.units) == 1:
        found = {item: [tuple(lists.units)] for item, place in places.items() if _needs_all(lists, place)}
    else:
        found = {
            item: [cause.anchors for cause in left.causes(item, place, lists.limit)] for item, place in places.items()
        }
        found |= _pairs(lists, left, {item: place for item, place in places.items() if not found[item]})
    age = {unit: age for age, unit in enumerate(lists.units)}
    newest = {item: min(some, key=lambda anchors: sum(age[a] for a in anchors)) for item, some in found.items() if some}
    return [Claim(item, newest[item]) if item in newest else None for item in lists.shown]


def _pairs(lists: ListsWithout, left: LeaveOneOut, places: Mapping[int, int]) -> dict[int, list[tuple[int, ...]]]:
    rivals = np.ones(len(lists.scorer.score.bias), bool)
    rivals[[0, *lists.units]] = False
    either = EitherEnough(left, lists.whole, rivals, lists.units)
    if len(lists.units) == 2:
        return {item: _both(lists, either, item, place) for item, place in places.items()}
    found = either.causes(places, lists.limit)
    return {item: [pair.cause.anchors for pair in some] for item, some in found.items()}


def _both(lists: ListsWithout, either: EitherEnough, item: int, place: int) -> list[tuple[int, ...]]:
    """Of a history of two units: without both, what a stranger sees decides."""
    holds = (
        _needs_all(lists, place)
        and all(either.may_name(unit, item) for unit in lists.units)
        and not either.rests_on_one(item, lists.limit)
        and all(either.rank_without(unit, item) <= lists.limit for unit in lists.units)
    )
    return [tuple(lists.units)] if holds else []


def _needs_all(lists: ListsWithout, place: int) -> bool:
    """Whether the product at `place` (1 = first) is far down in what a stranger sees."""
    rank = lists.of(place - 1)(frozenset(lists.units)).rank
    return rank > witnesses_needed(place, lists.limit)
