from collections.abc import Collection, Iterable, Iterator
from datetime import datetime, timedelta

from django.db import connections, models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from .fresh import FreshQuerySet
from .looking_up import rows_where

MAX_PRODUCT_ID = 255
# How long a product may be called new; what came with the first mirroring, a day long, never may.
NEW_FOR, FIRST_MIRRORING = timedelta(days=30), timedelta(days=1)


class ProductQuerySet(FreshQuerySet["Product"]):
    def primary_keys(self, product_ids: Iterable[str]) -> dict[str, int]:
        """product_id -> primary key of the mirror's row; unknown ids are absent."""
        return dict(rows_where(self, "product_id, id", "product_id", list(product_ids)))

    def locked(self, product_ids: Collection[str]) -> "list[Product]":
        """The rows, nobody else's to change until the transaction ends; who stores events about them does not wait."""
        no_key = connections[self.db].features.has_select_for_no_key_update
        return list(self.select_for_update(no_key=no_key).filter(product_id__in=product_ids).order_by("pk"))

    def stamp(self, product_ids: Collection[str]) -> None:
        """Note that they changed now, by the database's clock: web servers' and workers' may differ."""
        self.filter(product_id__in=product_ids).update(updated_at=Now())

    def changed_within(self, seconds: float) -> "ProductQuerySet":
        """What was stamped in the last so many seconds."""
        return self.filter(updated_at__gte=Now() - timedelta(seconds=seconds))

    def vocabulary(self) -> list[tuple[int, str]]:
        """(primary key, product_id) of every product, oldest first."""
        return list(self.order_by("pk").values_list("pk", "product_id"))

    def described(self, among: Collection[str] | None = None) -> Iterator[tuple[int, str, str]]:
        """(primary key, product_id, the words that a search may match) of every product, oldest first, streamed. Of
        those `among` these product_ids only, where they are given.
        """
        products = self if among is None else self.filter(product_id__in=among)
        rows = products.order_by("pk").values_list("pk", "product_id", "title", "brand", "category")
        for pk, product_id, title, brand, category in rows.iterator(chunk_size=5_000):
            yield pk, product_id, " ".join([title, brand, *category])

    def titles(self, product_ids: Iterable[str]) -> dict[str, str]:
        """product_id -> title (the id where there is none); unknown ids are absent."""
        return {product.product_id: str(product) for product in self.filter(product_id__in=list(product_ids))}

    def newest(self, limit: int) -> "list[Product]":
        """The products that can be bought, newest first; each knows when the first of all was mirrored (`first_at`)."""
        told = self.annotate(first_at=models.Subquery(self.order_by("pk").values("created_at")[:1]))
        read = told.filter(available=True).only("product_id", "category", "created_at")
        return list(read.order_by("-pk")[:limit])


class Product(models.Model):
    """A mirror of the shop's product, for training and coarse eligibility. What people see comes from the catalog."""

    id = models.BigAutoField(primary_key=True)
    product_id = models.CharField(_("product id"), max_length=MAX_PRODUCT_ID, unique=True)
    title = models.TextField(_("title"), default="")
    category = models.JSONField(_("category"), default=list)  # path, widest first
    brand = models.TextField(_("brand"), default="")
    price = models.DecimalField(_("price"), max_digits=14, decimal_places=4, null=True)
    attributes = models.JSONField(_("attributes"), default=dict)
    available = models.BooleanField(_("available"), default=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True, db_index=True)

    objects = ProductQuerySet.as_manager()
    first_at: datetime  # of those that `newest` found

    class Meta:
        base_manager_name = "objects"
        verbose_name = _("product")
        verbose_name_plural = _("products")

    def __str__(self) -> str:
        return self.title or self.product_id

    def is_new(self, now: datetime) -> bool:
        """Whether "New" is true of a product that `newest` found: here for 30 days at most, after others."""
        return self.created_at > max(now - NEW_FOR, self.first_at + FIRST_MIRRORING)
