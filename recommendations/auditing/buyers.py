"""Who bought what, read again from the log, to count what is bought together a second time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Max

from ..ml.kinds import Kind
from ..models import Interaction, ProductPair, RemovedProduct, Shopper

WINDOW = timedelta(days=180)
COUNTED_WITHIN = timedelta(days=2)
# Of one shopper only so many products count, the newest.
NEWEST = 200


@dataclass(frozen=True, eq=False)
class Buyers:
    """The shoppers of each product in the half year that the shop counted last."""

    counted_at: datetime | None
    shoppers: Mapping[str, frozenset[int]]  # product_id -> shoppers
    everybody: int

    @classmethod
    def read(cls, product_ids: Mapping[int, str]) -> "Buyers":
        """`product_ids` by primary key. What was removed since the shop counted still counts."""
        counted_at = ProductPair.objects.aggregate(last=Max("counted_at"))["last"]
        bought = _bought(counted_at) if counted_at else {}
        shoppers: dict[str, set[int]] = {}
        for shopper, products in bought.items():
            for product in products:
                shoppers.setdefault(product_ids[product], set()).add(shopper)
        return cls(counted_at, {name: frozenset(found) for name, found in shoppers.items()}, len(bought))

    def of(self, product_id: str) -> frozenset[int]:
        return self.shoppers.get(product_id, frozenset())

    def are_fresh(self, now: datetime) -> bool:
        """Whether what was counted may still be printed."""
        return self.counted_at is not None and now - self.counted_at <= COUNTED_WITHIN


def _bought(counted_at: datetime) -> dict[int, set[int]]:
    """shopper -> products, both primary keys: a browser's word, what was removed and who opted out left aside."""
    silent = set(Shopper.objects.filter(personalised=False).values_list("pk", flat=True))
    removals = RemovedProduct.objects.filter(product__isnull=False, removed_at__lte=counted_at).order_by("removed_at")
    removed = {(row[0], row[1]): row[2] for row in removals.values_list("shopper", "product", "removed_at")}
    trusted = (Interaction.Source.SERVER, Interaction.Source.IMPORT)
    rows = Interaction.objects.filter(source__in=trusted, kind=Kind.PURCHASE).order_by("-occurred_at", "-pk")
    rows = rows.filter(occurred_at__gt=counted_at - WINDOW, occurred_at__lte=counted_at)
    bought: dict[int, set[int]] = {}
    for shopper, product, at in rows.values_list("shopper", "product", "occurred_at").iterator():
        if shopper in silent or at <= removed.get((shopper, product), counted_at - WINDOW):
            continue
        products = bought.setdefault(shopper, set())
        if len(products) < NEWEST:
            products.add(product)
    return bought
