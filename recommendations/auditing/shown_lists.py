"""Lists as pages ask for them, and made-up visitors who ask: what explanation_audit looks at."""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import router, transaction

from .. import controls
from ..catalog import get_catalogs
from ..ml.kinds import Kind
from ..models import Interaction, Product, Shopper
from ..models.interaction import MAX_QUERY
from ..serving import Anchor, NoReason, Recommendation, RecommendationQuery, because_rows, recommend, why
from ..serving.rows import RANKED

LIMITS = (5, 10, 20)
# What a visitor does in a short visit, most often a view.
VISIT_KINDS = (Kind.VIEW,) * 6 + (Kind.SEARCH, Kind.SAVE, Kind.ADD_TO_CART, Kind.PURCHASE)
LONGEST_VISIT = 5


@dataclass(frozen=True)
class ShownList:
    """One list, the rows cut from one ranked list, or what "Look further" says of one product."""

    query: RecommendationQuery
    name: str  # the placement, perhaps of one registered model, "because_rows" or "further"
    version: str
    recommendations: tuple[Recommendation, ...]


def shown_lists(shopper: Shopper, now: datetime, draw: random.Random) -> Iterator[ShownList]:
    """What this shopper would see on the shop's pages; lengths are drawn, and what to look further into."""
    bare: list[tuple[ShownList, Recommendation]] = []
    for placement in ("home", "new_for_you", "cart", "buy_again"):
        query = RecommendationQuery(placement, shopper, limit=draw.choice(LIMITS), now=now)
        found = recommend(query)
        shown = ShownList(query, placement, found.version, found.recommendations)
        bare += [(shown, entry) for entry in _without_reason(found.recommendations)]
        yield shown
    if bare:
        yield _looked_further(*draw.choice(bare))
    several = get_catalogs() if len(get_catalogs()) > 1 else []
    for catalog in several:
        query = RecommendationQuery("home", shopper, limit=draw.choice(LIMITS), now=now, of=catalog.name)
        found = recommend(query)
        yield ShownList(query, f"home of {catalog.name}", found.version, found.recommendations)
    met_products = Interaction.objects.remembered().filter(shopper=shopper, product__isnull=False)
    for met, *_ in met_products.newest(1):
        query = RecommendationQuery("bought_together", shopper, product_id=met, now=now)
        found = recommend(query)
        yield ShownList(query, query.placement, found.version, found.recommendations)
    query = RecommendationQuery("new_for_you", shopper, limit=RANKED, now=now)
    cut = tuple(entry for row in because_rows(query) for entry in row.recommendations)
    yield ShownList(query, "because_rows", str(cut[0].reason.evidence.version) if cut else "", cut)


def _without_reason(recommendations: Sequence[Recommendation]) -> list[Recommendation]:
    return [entry for entry in recommendations if entry.source == "recommender" and isinstance(entry.reason, NoReason)]


def _looked_further(shown: ShownList, entry: Recommendation) -> ShownList:
    """The product once for each cause that is found when somebody asks further."""
    causes = why(shown.query, entry.card.product_id, further=True).causes
    return replace(shown, name="further", recommendations=tuple(replace(entry, reason=cause) for cause in causes))


def prediction_holds(query: RecommendationQuery, anchors: Sequence[Anchor], product_id: str) -> bool:
    """Whether the list predicted without the anchors is the list served once they are removed, without the product.

    The removals are stored, and taken back.
    """
    predicted = recommend(query.without_units(anchor.unit for anchor in anchors))
    with rolled_back():
        for anchor in anchors:
            removed, words = (None, anchor.id) if anchor.type == "query" else (anchor.id, None)
            controls.remove(query.shopper, removed, words, query.now)
        served = recommend(query)
    told = [[(entry.card.product_id, entry.reason) for entry in found.recommendations] for found in (predicted, served)]
    return told[0] == told[1] and product_id not in served.product_ids


@contextmanager
def visitor(pool: list[int], now: datetime, draw: random.Random) -> Iterator[Shopper]:
    """A made-up visitor who just met or searched for up to five products of `pool` (primary keys), or none; gone at
    the end."""
    with rolled_back():
        shopper = Shopper.objects.create()
        for age in range(draw.randint(0, LONGEST_VISIT)):
            product, kind = draw.choice(pool), draw.choice(VISIT_KINDS)
            is_search = kind == Kind.SEARCH
            Interaction.objects.create(
                shopper=shopper,
                product_id=None if is_search else product,
                query=_words(product, draw) if is_search else "",
                kind=kind,
                source=Interaction.Source.BEACON,
                occurred_at=now - timedelta(minutes=age + 1),
                event_key=age,
            )
        yield shopper


def _words(product: int, draw: random.Random) -> str:
    """A word or two of the product's title, as somebody might search for it."""
    made = Product.objects.get(pk=product)
    words = str(made).split() or [made.product_id]  # a title may be a space
    begin = draw.randrange(len(words))
    return " ".join(words[begin : begin + 2])[:MAX_QUERY]


@contextmanager
def rolled_back() -> Iterator[None]:
    """Whatever is stored inside is not stored at the end."""
    alias = router.db_for_write(Interaction)
    with transaction.atomic(using=alias):
        try:
            yield
        finally:
            transaction.set_rollback(True, using=alias)
