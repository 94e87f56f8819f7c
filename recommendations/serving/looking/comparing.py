"""Two products of a list beside each other, for whoever sees the list."""

from dataclasses import dataclass

import numpy as np

from ...catalog import Card, find_cards
from ..inspection import Inspection
from ..reasons import Anchor

# Of each side.
MOST_NAMED = 3
# Of a difference between two scores (natural logarithm): what is less makes neither stand out.
LEAST = 0.1


@dataclass(frozen=True)
class Comparison:
    """What of the history speaks for a shown product, and more than for another, and the reverse; the strongest first.

    It tells what makes the difference between the two, not why either is shown. `complete` is False where something
    that may be named was not tried: without it nothing would be left to rank by, or unread events would move up.
    """

    other: Card
    for_it: tuple[Anchor, ...]
    for_the_other: tuple[Anchor, ...]
    complete: bool


def compare(inspection: Inspection, product_id: str, other_id: str) -> Comparison | None:
    """a(X, product) - a(X, other) of each unit X that may be named and speaks for the product, a(X, product) > 0,
    computed without X; neither of the two is one.

    None unless the recommender ranked both for the list.
    """
    ranked = {entry.card.product_id: (entry.card, column) for entry, column in inspection.ranked}
    if product_id == other_id or not {product_id, other_id} <= ranked.keys():
        return None
    both = ("product", product_id), ("product", other_id)
    (_, one), (other, two) = ranked[product_id], ranked[other_id]
    left = inspection.left
    anchors = {unit: anchor for unit, anchor in _nameable(inspection).items() if anchor.unit not in both}

    def speaking_for(column: int, rival: int) -> tuple[Anchor, ...]:
        effect = left.effect[:, column]  # what speaks against both, and less against this one, speaks for neither
        more = np.where(effect > 0, effect - left.effect[:, rival], 0.0)
        rows = [row for row in np.argsort(-more, kind="stable") if more[row] >= LEAST and left.units[row] in anchors]
        return tuple(anchors[left.units[row]] for row in rows[:MOST_NAMED])

    return Comparison(other, speaking_for(one, two), speaking_for(two, one), anchors.keys() <= set(left.units))


def _nameable(inspection: Inspection) -> dict[int, Anchor]:
    """The units that may be named to this shopper, by their numbers."""
    units = {number: unit for number, unit in inspection.units.items() if inspection.explainer.can_be_named(number)}
    cards = find_cards({unit.key for unit in units.values() if unit.type == "product"}, inspection.query.request)
    return {
        number: Anchor(unit.key, cards[unit.key].title if unit.type == "product" else unit.key, unit.event, unit.type)
        for number, unit in units.items()
        if unit.type == "query" or unit.key in cards
    }
