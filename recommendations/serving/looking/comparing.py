"""Two products of a list beside each other, for whoever sees the list."""

from dataclasses import dataclass

from ...catalog import Card, find_cards
from ..queries import RecommendationQuery
from ..reasons import Anchor
from .inspection import Inspection

# Of each side.
MOST_NAMED = 3
# Of a difference between two scores (natural logarithm): what is less makes neither stand out.
LEAST = 0.1


@dataclass(frozen=True)
class Comparison:
    """What of the history speaks more for a shown product than for another, and the reverse; the strongest first.

    It tells what makes the difference between the two, not why either is shown.
    """

    other: Card
    for_it: tuple[Anchor, ...]
    for_the_other: tuple[Anchor, ...]


def compare(query: RecommendationQuery, product_id: str, other_id: str) -> Comparison | None:
    """a(X, product) - a(X, other) of each unit X that may be named (explanation-spec, 5.4), computed without X.

    None unless the recommender ranked both for the list of `query`.
    """
    inspection = Inspection(query)
    ranked = {entry.card.product_id: (entry.card, column) for entry, column in inspection.ranked}
    if product_id == other_id or not {product_id, other_id} <= ranked.keys():
        return None
    (_, one), (other, two) = ranked[product_id], ranked[other_id]
    left = inspection.left
    favours = dict(zip(left.units, (left.effect[:, one] - left.effect[:, two]).tolist(), strict=True))
    anchors = _nameable(inspection)
    strongest = sorted(anchors, key=lambda unit: -abs(favours.get(unit, 0.0)))
    for_it = [anchors[unit] for unit in strongest if favours.get(unit, 0.0) >= LEAST]
    for_the_other = [anchors[unit] for unit in strongest if favours.get(unit, 0.0) <= -LEAST]
    return Comparison(other, tuple(for_it[:MOST_NAMED]), tuple(for_the_other[:MOST_NAMED]))


def _nameable(inspection: Inspection) -> dict[int, Anchor]:
    """The units that may be named to this shopper, by their numbers."""
    units = {number: unit for number, unit in inspection.units.items() if inspection.explainer.can_be_named(number)}
    cards = find_cards({unit.key for unit in units.values() if unit.type == "product"}, inspection.query.request)
    return {
        number: Anchor(unit.key, cards[unit.key].title if unit.type == "product" else unit.key, unit.event, unit.type)
        for number, unit in units.items()
        if unit.type == "query" or unit.key in cards
    }
