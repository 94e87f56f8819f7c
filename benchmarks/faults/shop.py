"""A small demo shop with a past: shoppers walk along its shelves, so that there is something to learn."""

import random
from datetime import timedelta

from django.utils import timezone

from recommendations.catalog import sync_catalog
from recommendations.ml.kinds import Kind
from recommendations.models import Interaction, Product, ProductPopularity, Shopper
from recommendations.models.shopper import hash_key
from shopdemo.labels import shelves
from shopdemo.models import Product as Sold


def fill(products: int, shoppers: int, events: int, seed: int = 0) -> None:
    """Products, shoppers of another system, and what they bought and viewed."""
    draw, slugs = random.Random(seed), sorted(shelves())
    Sold.objects.bulk_create(
        Sold(name=f"Thing {k}", title=f"Thing {k}", shelf=slugs[k // 10 % len(slugs)], emoji="🧀", price=1 + k)
        for k in range(products)
    )
    sync_catalog()
    keys = list(Product.objects.order_by("pk").values_list("pk", flat=True))
    made = Shopper.objects.bulk_create(Shopper(external_id=f"shopper {k}") for k in range(shoppers))
    # Each day's events lie within nine hours, and "this week" begins between two days: it stays the same for hours.
    begin = timezone.now() - timedelta(days=events + 1, hours=16)
    Interaction.objects.bulk_create(
        Interaction(
            shopper=shopper,
            product_id=keys[place % products],
            kind=Kind.PURCHASE if age % 3 else Kind.VIEW,
            source=Interaction.Source.IMPORT,
            occurred_at=begin + timedelta(days=age, seconds=30 * number),
            event_key=age,
        )
        for number, shopper in enumerate(made)
        for age, place in enumerate(_walk(draw, products, events))
    )
    ProductPopularity.objects.count_again(timezone.now())


def _walk(draw: random.Random, products: int, events: int) -> list[int]:
    place, walk = draw.randrange(products), []
    for _ in range(events):
        place += 1 if draw.random() < 0.8 else draw.randrange(products)
        walk.append(place)
    return walk


def product_ids() -> list[str]:
    """Of everything sold."""
    return [str(pk) for pk in Sold.objects.order_by("pk").values_list("pk", flat=True)]


def visitors(count: int) -> list[str]:
    """Cookies of visitors who looked at a few things."""
    keys = list(Product.objects.order_by("pk").values_list("pk", flat=True))
    now = timezone.now()
    cookies = [f"visitor-{k}" for k in range(count)]
    made = Shopper.objects.bulk_create(Shopper(key_hash=hash_key(cookie)) for cookie in cookies)
    Interaction.objects.bulk_create(
        Interaction(
            shopper=shopper,
            product_id=keys[(number * 7 + k) % len(keys)],
            kind=Kind.VIEW,
            source=Interaction.Source.SERVER,
            occurred_at=now - timedelta(days=8 - k, minutes=number),
            event_key=k,
        )
        for number, shopper in enumerate(made)
        for k in range(8)
    )
    return cookies
