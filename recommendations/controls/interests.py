"""What a history says of its shopper's tastes, as counted, not guessed."""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from django.http import HttpRequest

from ..models import Interaction, Shopper
from .seeing import told_to

# Below this an interest is one product, which the history shows anyway.
LEAST_PRODUCTS = 2
MOST_SHOWN = 6


@dataclass(frozen=True)
class Interest:
    """A category or brand of which the shopper met several products."""

    name: str
    products: int
    kind: str  # "category" or "brand"


def interests_of(
    shopper: Shopper, request: HttpRequest | None = None, told: Collection[str] | None = None
) -> list[Interest]:
    """The categories and brands of which most products are remembered, at most 6 of each, most first.

    Counted are products whose title whoever sends the request may read: others' categories and brands are as secret.
    Who knows already which of all that was met these are says so with `told`.
    """
    met = Interaction.objects.remembered().filter(shopper=shopper, product__isnull=False).order_by()
    rows = list(met.values_list("product__product_id", "product__category", "product__brand").distinct())
    if told is None:
        told = told_to(shopper, {product_id for product_id, *described in rows if any(described)}, request)
    paths, brands = Counter[str](), Counter[str]()
    for product_id, category, brand in rows:
        if product_id in told:
            paths.update(category[-1:])
            brands.update([brand] if brand else [])
    return [*_most(paths, "category"), *_most(brands, "brand")]


def _most(counted: Counter[str], kind: str) -> Iterable[Interest]:
    ranked = sorted(counted.items(), key=lambda entry: (-entry[1], entry[0]))
    return [Interest(name, count, kind) for name, count in ranked if count >= LEAST_PRODUCTS][:MOST_SHOWN]
