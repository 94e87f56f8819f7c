from typing import Any

from django.db import models
from django.db.models import Q
from django.db.models.functions import SHA256
from django.db.models.lookups import IsNull
from django.utils import timezone

from .fresh import FreshQuerySet


class Hashed(SHA256):
    """SHA-256 of a text, in hexadecimal, computed in SQL."""

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        # Django's own needs the extension pgcrypto.
        template = "ENCODE(SHA256(CONVERT_TO(%(expressions)s, 'UTF8')), 'hex')"
        return self.as_sql(compiler, connection, template=template, **context)


class RemovedProductQuerySet(FreshQuerySet["RemovedProduct"]):
    def covering(self) -> "RemovedProductQuerySet":
        """For an Exists() over interactions: the removals that make the outer event forgotten."""
        outer = models.OuterRef
        # In this order: nothing is hashed for who has no hash.
        same_hash = ~Q(query_hash="") & Q(query_hash=Hashed(outer("query")))
        same_words = ~Q(query="") & Q(query=outer("query")) | same_hash
        # Of the time when a view or purchase might come with words.
        is_search = Q(IsNull(outer("product"), True))
        return self.filter(shopper=outer("shopper"), removed_at__gte=outer("occurred_at")).filter(
            Q(product=outer("product")) | Q(product=None) & is_search & same_words
        )

    def left_out(self) -> "RemovedProductQuerySet":
        """The removals for which lists leave out a product."""
        return self.filter(product__isnull=False, shown_again=False)

    def forget_words(self) -> int:
        """Keep only hashes of these searches, by which an import still does not bring them back."""
        return self.exclude(query="").update(query_hash=Hashed("query"), query="")


class RemovedProduct(models.Model):
    """A product or query that a shopper took out: events up to `removed_at` are forgotten by every reader.

    What was met again and removed again has a row for each time, so that each can be undone by itself.
    """

    id = models.BigAutoField(primary_key=True)
    shopper = models.ForeignKey("recommendations.Shopper", on_delete=models.CASCADE, related_name="+")
    product = models.ForeignKey(
        "recommendations.Product", on_delete=models.CASCADE, null=True, db_index=False, related_name="+"
    )
    query = models.CharField(max_length=255, default="", blank=True)
    # Instead of `query`, once it can't be undone. A default of the database too: processes that run the version before
    # store removals while this one is rolled out.
    query_hash = models.CharField(max_length=64, default="", db_default="", blank=True)
    # By then it is no more than a tombstone: lists show the product, what was forgotten of it stays forgotten.
    shown_again = models.BooleanField(default=False, db_default=False)
    removed_at = models.DateTimeField(default=timezone.now)

    objects = RemovedProductQuerySet.as_manager()

    class Meta:
        base_manager_name = "objects"
        constraints = [
            models.CheckConstraint(
                condition=Q(product__isnull=False, query="", query_hash="")
                | (Q(product=None) & ~Q(query="", query_hash="")),
                name="recommendations_removed_product_or_query",
            ),
        ]

    def __str__(self) -> str:
        return f"removed by shopper {self.shopper_id}: {self.query or self.query_hash or self.product_id}"
