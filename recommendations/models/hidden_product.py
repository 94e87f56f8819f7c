from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zlib import crc32

from django.db import models
from django.db.models import BooleanField, JSONField, Value

from .fresh import FreshQuerySet
from .removal import RemovedProduct
from .written import SOME_TIME, SOMEBODY, WrittenSelect

# Of a category that a shopper wants fewer of, one product in so many may still be shown.
ONE_IN = 4

Category = tuple[str, ...]


def stays_among_fewer(product_id: str) -> bool:
    """Whether it is one of those that may be shown of a category that is wanted less: the same ones everywhere."""
    return crc32(product_id.encode()) % ONE_IN == 0


@dataclass(frozen=True)
class LeftOut:
    """What a shopper does not want to see."""

    products: Mapping[str, bool] = field(default_factory=dict)  # True: hidden now; False: only removed from the history
    fewer: frozenset[Category] = frozenset()  # category paths of which fewer are wanted


class HiddenProductQuerySet(FreshQuerySet["HiddenProduct"]):
    def left_out_by(self, shopper: int, now: datetime) -> LeftOut:
        """What the shopper with this primary key hid or removed. One SELECT."""
        products: dict[str, bool] = {}
        fewer = set()
        for product_id, is_hidden, fewer_like_it, category in _OF_SOMEBODY.rows(self.db, shopper, now):
            products[product_id] = products.get(product_id, False) or bool(is_hidden)
            if fewer_like_it and category:
                fewer.add(tuple(category))
        return LeftOut(products, frozenset(fewer))

    def hidden_or_removed(self, shopper: int, now: datetime) -> models.QuerySet[Any, Any]:
        """(product_id, is hidden, fewer like it, category) of both, as the ORM asks for them."""
        hidden = self.filter(shopper=shopper, until__gt=now).values_list(
            "product__product_id", Value(True, BooleanField()), "fewer_like_it", "product__category"
        )
        removed = RemovedProduct.objects.left_out().filter(shopper=shopper)
        no = Value(False, BooleanField())
        return hidden.union(removed.values_list("product__product_id", no, no, Value([], JSONField())), all=True)


_OF_SOMEBODY = WrittenSelect(lambda: HiddenProduct.objects.hidden_or_removed(SOMEBODY, SOME_TIME))


class HiddenProduct(models.Model):
    """ "Not interested": the product is not recommended to the shopper until then.

    With `fewer_like_it` only one in ONE_IN products of its category is, either.
    """

    id = models.BigAutoField(primary_key=True)
    shopper = models.ForeignKey("recommendations.Shopper", on_delete=models.CASCADE, db_index=False, related_name="+")
    product = models.ForeignKey("recommendations.Product", on_delete=models.CASCADE, db_index=False, related_name="+")
    fewer_like_it = models.BooleanField(default=False, db_default=False)
    until = models.DateTimeField()

    objects = HiddenProductQuerySet.as_manager()

    class Meta:
        base_manager_name = "objects"
        constraints = [models.UniqueConstraint(fields=["shopper", "product"], name="recommendations_hidden_once")]

    def __str__(self) -> str:
        return f"hidden by shopper {self.shopper_id}: {self.product_id}"
