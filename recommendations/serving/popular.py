"""The list for whoever nothing is known of: what many shoppers like this week, then what is new."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from ..catalog import Catalog, ids_of
from ..models import Product, ProductPopularity
from .reasons import Fact, NoReason, Reason


@dataclass(frozen=True)
class Popular:
    """A product of the popular list and the fact that may be said of it."""

    product_id: str
    source: str  # "popular" or "new"
    fact: str = ""  # "" when nothing holds

    @property
    def reason(self) -> Reason:
        return Fact(self.fact) if self.fact else NoReason()


def popular_products(
    count: int, left_out: Collection[str], now: datetime, catalog: Catalog | None = None
) -> list[Popular]:
    """The `count` most popular products outside `left_out`, of one registered model if `catalog` says which.

    New products fill what is short. Two SELECTs at most.
    """
    popular, products = ProductPopularity.objects.all(), Product.objects.all()
    if catalog is not None:
        popular, products = popular.filter(ids_of(catalog, "product__product_id")), products.filter(ids_of(catalog))
    ranked = popular.ranked(count + len(left_out))
    found = [
        Popular(row.product.product_id, "popular", "popular_this_week" if row.is_popular_this_week(now) else "")
        for row in ranked
        if row.product.product_id not in left_out
    ][:count]
    if len(found) == count:
        return found
    known = {popular.product_id for popular in found} | set(left_out)
    newest = products.newest(count + len(known))
    return found + [Popular(key, "new") for key in newest if key not in known][: count - len(found)]
