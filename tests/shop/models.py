import uuid
from random import Random
from typing import Any

from django.conf import settings
from django.db import models


def _key() -> models.Field:
    """Integers, or with SHOP_KEYS = "uuid" what many shops use instead."""
    if getattr(settings, "SHOP_KEYS", "") == "uuid":
        return models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    return models.BigAutoField(primary_key=True)


def keys_by_chance(seed: int) -> dict[str, Any]:
    """Key of a row, the same in each run, where keys are drawn: some things depend on them, as which products of a
    category stay among fewer."""
    if getattr(settings, "SHOP_KEYS", "") == "uuid":
        return {"pk": uuid.UUID(int=Random(seed).getrandbits(128), version=4)}
    return {}


class Book(models.Model):
    """The product of the tests' shop."""

    id = _key()
    name = models.CharField(max_length=200)
    shelf = models.CharField(max_length=100, default="Novels")
    publisher = models.CharField(max_length=100, default="")
    price = models.DecimalField(max_digits=8, decimal_places=2, null=True, default=None)
    in_stock = models.BooleanField(default=True)
    members_only = models.BooleanField(default=False)

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return f"/books/{self.pk}/"
