"""The list for whoever nothing is known of: what many shoppers like this week, then what is new."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from ..catalog import Catalog, get_catalogs, ids_of
from ..models import Product, ProductPopularity
from ..models.hidden_product import Category, stays_among_fewer
from .reasons import Fact, NoReason, Reason

# Products looked at where fewer of a category are wanted: more of them may fall away than can be counted before.
LOOKED_AT = 1_000


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
    count: int,
    left_out: Collection[str],
    now: datetime,
    catalog: Catalog | None = None,
    fewer: Collection[Category] = (),
    among: Collection[str] | None = None,
) -> list[Popular]:
    """The `count` most popular products outside `left_out`, of one registered model if `catalog` says which, and of the
    ids in `among` alone where they are given.

    Of the categories in `fewer` only some. New products fill what is short. Two SELECTs at most.
    """
    popular, products = ProductPopularity.objects.all(), Product.objects.all()
    if catalog is not None:
        popular, products = popular.filter(ids_of(catalog, "product__product_id")), products.filter(ids_of(catalog))
    if among is not None:
        popular, products = popular.filter(product__product_id__in=among), products.filter(product_id__in=among)
    more = LOOKED_AT if fewer else 0
    found = [
        Popular(row.product.product_id, "popular", "popular_this_week" if row.is_popular_this_week(now) else "")
        for row in popular.ranked(count + len(left_out) + more)
        if _stays(row.product, left_out, fewer)
    ][:count]
    if len(found) == count:
        return found
    known = {popular.product_id for popular in found} | set(left_out)
    # Of several models, one that was registered later is no news.
    may_be_new = catalog is not None or len(get_catalogs()) == 1
    newest = [row for row in products.newest(count + len(known) + more) if _stays(row, known, fewer)]
    return found + [
        Popular(row.product_id, "new", "new" if may_be_new and row.is_new(now) else "")
        for row in newest[: count - len(found)]
    ]


def _stays(product: Product, left_out: Collection[str], fewer: Collection[Category]) -> bool:
    if product.product_id in left_out:
        return False
    return tuple(product.category) not in fewer or stays_among_fewer(product.product_id)
