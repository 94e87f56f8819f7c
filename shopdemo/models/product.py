from django.db import models
from django.db.models import Q
from django.urls import reverse

from ..labels import Shelf, shelves
from ..tiles import tile_url


class ProductQuerySet(models.QuerySet["Product"]):
    def sold(self) -> "ProductQuerySet":
        """What can be bought, most popular first."""
        return self.filter(in_stock=True).order_by("-households", "name")

    def on_shelves(self, *slugs: str) -> "ProductQuerySet":
        return self.filter(shelf__in=slugs)

    def matching(self, words: str) -> "ProductQuerySet":
        """Whose name has every word of the query; where there is none, whose name or category has."""
        named, wider = self, self
        for word in words.split()[:8]:
            stem = word[:-1] if len(word) > 3 and word.endswith("s") else word
            on = [s.slug for s in shelves().values() if stem.lower() in f"{s.department} {s.category}".lower()]
            named = named.filter(name__icontains=stem)
            wider = wider.filter(Q(name__icontains=stem) | Q(shelf__in=on))
        return named if named.exists() else wider


class Product(models.Model):
    """What the shop sells: the products of a year that at least twenty households bought, told apart by their label."""

    name = models.CharField(max_length=160, unique=True)
    title = models.CharField(max_length=120)
    size = models.CharField(max_length=40, blank=True)
    store_brand = models.BooleanField(default=False)
    shelf = models.CharField(max_length=20, db_index=True)
    emoji = models.CharField(max_length=8)
    price = models.DecimalField(max_digits=8, decimal_places=2)
    households = models.PositiveIntegerField(default=0, help_text="How many households bought it in the data's year.")
    in_stock = models.BooleanField(default=True)

    objects = ProductQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("product", args=[self.pk])

    @property
    def on_shelf(self) -> Shelf:
        """The shelf it stands on: department, category, colour."""
        return shelves()[self.shelf]

    @property
    def image(self) -> str:
        return tile_url(self.on_shelf.colour, self.emoji)

    @property
    def details(self) -> str:
        """What tells it from others of its title: "13 oz · store brand"."""
        return " · ".join(part for part in (self.size, "store brand" if self.store_brand else "") if part)

    @property
    def brand(self) -> str:
        return "Store brand" if self.store_brand else "National brand"
