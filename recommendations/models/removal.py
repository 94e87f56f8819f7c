from django.db import models
from django.db.models import Q
from django.utils import timezone

from .fresh import FreshQuerySet


class RemovedProductQuerySet(FreshQuerySet["RemovedProduct"]):
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
        base_manager_name = "objects"
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
