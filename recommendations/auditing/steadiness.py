"""Whether reasons are steady: asked twice, after an event that has nothing to do with them, and without learning."""

from datetime import timedelta

import numpy as np

from ..ml.kinds import Kind
from ..ml.labels import orders
from ..models import Interaction, Product
from ..serving import Because, Recommendation, recommend
from .explained import ExplainedList, ExplainedShop
from .shown_lists import rolled_back
from .strongest import OURS

# Events before the newest of which one is inserted.
WITHIN = 50


def told_again(found: ExplainedList) -> list[bool]:
    """Of each product, whether it has the same reason when the same list is asked for again."""
    again = {entry.card.product_id: entry.reason for entry in recommend(found.query).recommendations}
    return [again.get(entry.card.product_id) == entry.reason for entry in found.entries]


def kept_beside_another(shop: ExplainedShop, found: ExplainedList) -> list[bool]:
    """Of each "because", whether it names the same after one event of a category absent from the history.

    The event is inserted before the newest one, really stored, and taken back. Empty where there is no such category.
    """
    other = _of_another_category(shop, found)
    if other is None or not found.named:
        return []
    with rolled_back():
        _insert(found, Product.objects.get(product_id=other), shop.rng)
        entries = recommend(found.query).recommendations
    after = {entry.card.product_id: _cause(entry) for entry in entries}
    before = [found.entries[place] for place in found.named]
    return [after.get(entry.card.product_id) == _cause(entry) for entry in before]


def _cause(entry: Recommendation) -> set[tuple[str, str]]:
    """What its "because" names; nothing where it has a fact or no reason."""
    return {anchor.unit for anchor in entry.reason.anchors} if isinstance(entry.reason, Because) else set()


def agrees_without_learning(shop: ExplainedShop, found: ExplainedList) -> list[bool]:
    """Of each product, whether the strongest unit is the same when the encoder's weights are shuffled."""
    plain, lists = shop.plain.randomised(shop.rng), found.lists
    whole = _log_shares(plain.scores(lists.history)[lists.pool])[: len(lists.shown)]
    effects = [
        whole - _log_shares(plain.scores(lists.history.without(unit))[lists.pool])[: len(lists.shown)]
        for unit in lists.units
    ]
    random = orders(np.stack(effects), lists.units)
    return [mine[0] == other[0] for mine, other in zip(found.orders[OURS], random, strict=True)]


def _of_another_category(shop: ExplainedShop, found: ExplainedList) -> str | None:
    category, queries = shop.loaded.category, found.lists.history.queries
    met = [queries.bag(unit).items if queries.holds(unit) else [unit] for unit in found.units]
    free = shop.loaded.eligible & (category > 0) & ~np.isin(category, category[np.concatenate(met)])
    free[list(found.items)] = False
    items = np.flatnonzero(free)
    return shop.loaded.scorer.vocabulary.product_id(int(shop.rng.choice(items))) if len(items) else None


def _insert(found: ExplainedList, product: Product, rng: np.random.Generator) -> None:
    events = Interaction.objects.remembered().filter(shopper=found.query.shopper, product__isnull=False)
    times = list(events.order_by("-occurred_at").values_list("occurred_at", flat=True)[:WITHIN])
    Interaction.objects.create(
        shopper=found.query.shopper,
        product=product,
        kind=Kind.VIEW,
        source=Interaction.Source.SERVER,
        occurred_at=times[int(rng.integers(len(times)))] - timedelta(microseconds=1),
        event_key=int(rng.integers(2**62)),
    )


def _log_shares(scores: np.ndarray) -> np.ndarray:
    top = scores.max()
    return scores - top - np.log(np.exp(scores - top).sum())
