from array import array
from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import groupby, islice
from operator import itemgetter

import numpy as np
from django.db import connections, models, router
from django.db.models import F, Q

from ..ml.copurchases import ProductPairs, bought_together
from ..ml.kinds import Kind
from .fresh import FreshQuerySet
from .interaction import Interaction

BOUGHT_WITHIN = timedelta(days=180)
# Below this, a count could point at single shoppers.
FEWEST_BUYERS = 5
# Products kept beside each one, and the newest products of a shopper that count: both bound the work.
MOST_OTHERS = 20
MOST_BOUGHT = 200


class ProductPairQuerySet(FreshQuerySet["ProductPair"]):
    def counted(self, now: datetime) -> ProductPairs:
        """What the same shoppers bought in the half year before `now`, counted anew; nothing is stored.

        Only what the shop itself recorded or imported counts, of shoppers who did not opt out.
        """
        bought = Interaction.objects.for_training().exclude(source=Interaction.Source.BEACON)
        bought = bought.filter(kind=Kind.PURCHASE, occurred_at__gt=now - BOUGHT_WITHIN, occurred_at__lte=now)
        rows = bought.order_by("shopper_id", "-occurred_at", "-pk").values_list("shopper_id", "product_id")
        shoppers, products = _baskets(rows.iterator(chunk_size=50_000))
        return bought_together(shoppers, products, FEWEST_BUYERS, MOST_OTHERS)

    def replace(self, pairs: ProductPairs, now: datetime) -> None:
        """Store these instead of what was counted before; the caller's transaction makes it all or nothing."""
        connection = connections[router.db_for_write(self.model)]
        counts = zip(pairs.first.tolist(), pairs.second.tolist(), pairs.shoppers.tolist(), strict=True)
        counted_at = connection.ops.adapt_datetimefield_value(now)
        table = connection.ops.quote_name(self.model._meta.db_table)
        into = f"{table} (product_id, other_id, shoppers, counted_at)"
        insert = f"INSERT INTO {into} VALUES (%s, %s, %s, %s)"  # noqa: S608 # nosec B608
        self.all().delete()
        # Model instances would take twenty times as long, and the write lock with it.
        with connection.cursor() as cursor:
            cursor.executemany(insert, [(*count, counted_at) for count in counts])

    def counted_at(self) -> datetime | None:
        """When they were counted last; None when there are none."""
        return self.values_list("counted_at", flat=True).first()


def _baskets(rows: Iterable[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    """(shopper, product), each such pair once, from rows by shopper, the newest first."""
    shoppers, products = array("q"), array("q")
    for shopper, bought in groupby(rows, key=itemgetter(0)):
        newest = list(islice(dict.fromkeys(product for _, product in bought), MOST_BOUGHT))
        shoppers.extend([shopper] * len(newest))
        products.extend(newest)
    return np.frombuffer(shoppers, np.int64), np.frombuffer(products, np.int64)


class ProductPair(models.Model):
    """How many shoppers bought both of two products within half a year; counted by the worker."""

    id = models.BigAutoField(primary_key=True)
    product = models.ForeignKey(
        "recommendations.Product", on_delete=models.CASCADE, db_index=False, related_name="+"
    )  # of the two, the one with the smaller key
    other = models.ForeignKey("recommendations.Product", on_delete=models.CASCADE, db_index=False, related_name="+")
    shoppers = models.PositiveIntegerField()
    counted_at = models.DateTimeField()

    objects = ProductPairQuerySet.as_manager()

    class Meta:
        base_manager_name = "objects"
        constraints = [
            models.UniqueConstraint(fields=["product", "other"], name="recommendations_pair_once"),
            models.CheckConstraint(condition=Q(product__lt=F("other")), name="recommendations_pair_in_order"),
        ]

    def __str__(self) -> str:
        return f"{self.product_id} and {self.other_id}: {self.shoppers} shoppers"
