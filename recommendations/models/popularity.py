from datetime import datetime, timedelta

from django.db import connections, models, router
from django.db.models import Count

from .fresh import FreshQuerySet
from .interaction import Interaction
from .postgresql import one_at_a_time
from .product_pair import ProductPair
from .teaching import by_teachers

RECENT = timedelta(days=7)
# Below this, a count could point at single shoppers.
FEWEST_SHOPPERS = 5


class ProductPopularityQuerySet(FreshQuerySet["ProductPopularity"]):
    def count_again(self, now: datetime) -> int:
        """Count the shoppers of each product anew, this week's by trusted sources, and what was bought together.

        Whoever opted out does not count. Returns how many products.
        """
        events = Interaction.objects.for_training().filter(by_teachers(), product__isnull=False)
        total = _shoppers_by_product(events)
        # "Popular this week" is printed as a fact: what only browsers say does not count for it.
        trusted = events.exclude(source=Interaction.Source.BEACON)
        recent = _shoppers_by_product(trusted.filter(occurred_at__gt=now - RECENT, occurred_at__lte=now))
        pairs = ProductPair.objects.counted(now)
        with self.atomic():
            # Of two who delete and insert at once, the second would not see, and keep, what the first inserted.
            one_at_a_time(connections[router.db_for_write(self.model)], self.model._meta.db_table)
            ProductPair.objects.replace(pairs, now)
            self.all().delete()
            self.bulk_create(
                (
                    self.model(product_id=key, recent_shoppers=recent.get(key, 0), shoppers=count, counted_at=now)
                    for key, count in total.items()
                ),
                batch_size=5_000,
            )
        return len(total)

    def ranked(self, limit: int) -> "list[ProductPopularity]":
        """The most popular products that can be bought, this week's first."""
        rows = self.filter(product__available=True).select_related("product")
        return list(rows.order_by("-recent_shoppers", "-shoppers", "product_id")[:limit])


def _shoppers_by_product(events: models.QuerySet) -> dict[int, int]:
    counted = events.order_by().values_list("product_id").annotate(shoppers=Count("shopper_id", distinct=True))
    return dict(counted)


class ProductPopularity(models.Model):
    """How many shoppers did something with a product; counted by the worker, read by every page.

    `recent_shoppers` are this week's that the shop itself recorded or imported, not browsers' beacons.
    """

    product = models.OneToOneField(
        "recommendations.Product", on_delete=models.CASCADE, primary_key=True, related_name="popularity"
    )
    recent_shoppers = models.PositiveIntegerField(default=0)
    shoppers = models.PositiveIntegerField(default=0)
    counted_at = models.DateTimeField()

    objects = ProductPopularityQuerySet.as_manager()

    class Meta:
        base_manager_name = "objects"
        verbose_name_plural = "product popularity"
        indexes = [models.Index(fields=["-recent_shoppers", "-shoppers", "product"], name="recommendations_popular")]

    def __str__(self) -> str:
        return f"{self.product_id}: {self.recent_shoppers} this week, {self.shoppers} in all"

    def is_popular_this_week(self, now: datetime) -> bool:
        """Whether "Popular this week" is true of it: counted within a day, by enough shoppers."""
        return self.recent_shoppers >= FEWEST_SHOPPERS and now - self.counted_at <= timedelta(days=1)
