from datetime import datetime

from django.db import models
from django.db.models import Q, Value
from django.utils import timezone


class RemovedProductQuerySet(models.QuerySet["RemovedProduct"]):
    def covering(self) -> "RemovedProductQuerySet":
        """For an Exists() over interactions: the removals that make the outer event forgotten."""
        outer = models.OuterRef
        return self.filter(shopper=outer("shopper"), removed_at__gte=outer("occurred_at")).filter(
            Q(product=outer("product")) | Q(query=outer("query"), product=None)
        )


class RemovedProduct(models.Model):
    """A product or query that a shopper took out: events up to `removed_at` are forgotten by every reader."""

    id = models.BigAutoField(primary_key=True)
    shopper = models.ForeignKey("recommendations.Shopper", on_delete=models.CASCADE, db_index=False, related_name="+")
    product = models.ForeignKey(
        "recommendations.Product", on_delete=models.CASCADE, null=True, db_index=False, related_name="+"
    )
    query = models.CharField(max_length=255, default="", blank=True)
    removed_at = models.DateTimeField(default=timezone.now)

    objects = RemovedProductQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["shopper", "product", "query"], name="recommendations_removed_once"),
            models.UniqueConstraint(
                fields=["shopper", "query"], condition=Q(product=None), name="recommendations_removed_query_once"
            ),
            models.CheckConstraint(
                condition=Q(product__isnull=False, query="") | (Q(product=None) & ~Q(query="")),
                name="recommendations_removed_product_or_query",
            ),
        ]

    def __str__(self) -> str:
        return f"removed by shopper {self.shopper_id}: {self.query or self.product_id}"


class HiddenProductQuerySet(models.QuerySet["HiddenProduct"]):
    def left_out_by(self, shopper: object, now: datetime) -> dict[str, bool]:
        """product_id -> True when hidden now, False when only removed from the history. One SELECT."""
        hidden = self.filter(shopper=shopper, until__gt=now).values_list("product__product_id", Value(1))
        removed = RemovedProduct.objects.filter(shopper=shopper, product__isnull=False)
        rows = hidden.union(removed.values_list("product__product_id", Value(0)))
        return {product_id: bool(flag) for product_id, flag in sorted(rows)}


class HiddenProduct(models.Model):
    """ "Not interested": the product is not recommended to the shopper until then."""

    id = models.BigAutoField(primary_key=True)
    shopper = models.ForeignKey("recommendations.Shopper", on_delete=models.CASCADE, db_index=False, related_name="+")
    product = models.ForeignKey("recommendations.Product", on_delete=models.CASCADE, db_index=False, related_name="+")
    until = models.DateTimeField()

    objects = HiddenProductQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["shopper", "product"], name="recommendations_hidden_once")]

    def __str__(self) -> str:
        return f"hidden by shopper {self.shopper_id}: {self.product_id}"
