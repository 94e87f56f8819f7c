from collections.abc import Collection, Iterable, Iterator

from django.db import models
from django.utils.translation import gettext_lazy as _

from ..ml.attributes import Codes, codes_of
from .looking_up import rows_where

MAX_PRODUCT_ID = 255


class ProductQuerySet(models.QuerySet["Product"]):
    def primary_keys(self, product_ids: Iterable[str]) -> dict[str, int]:
        """product_id -> primary key of the mirror's row; unknown ids are absent."""
        return dict(rows_where(self, "product_id, id", "product_id", list(product_ids)))

    def vocabulary(self) -> list[tuple[int, str]]:
        """(primary key, product_id) of every product, oldest first."""
        return list(self.order_by("pk").values_list("pk", "product_id"))

    def described(self, among: Collection[str] | None = None) -> Iterator[tuple[int, str, str, Codes]]:
        """(primary key, product_id, the words that a search may match, its attributes' codes) of every product, oldest
        first, streamed. Of those `among` these product_ids only, where they are given.
        """
        products = self if among is None else self.filter(product_id__in=among)
        rows = products.order_by("pk").values_list("pk", "product_id", "title", "brand", "category")
        for pk, product_id, title, brand, category in rows.iterator(chunk_size=5_000):
            yield pk, product_id, " ".join([title, brand, *category]), codes_of(brand, category)

    def titles(self, product_ids: Iterable[str]) -> dict[str, str]:
        """product_id -> title (the id where there is none); unknown ids are absent."""
        return {product.product_id: str(product) for product in self.filter(product_id__in=list(product_ids))}

    def newest(self, limit: int) -> "list[Product]":
        """The products that can be bought, newest first."""
        return list(self.filter(available=True).only("product_id", "category").order_by("-pk")[:limit])


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

    class Meta:
        verbose_name = _("product")
        verbose_name_plural = _("products")

    def __str__(self) -> str:
        return self.title or self.product_id
