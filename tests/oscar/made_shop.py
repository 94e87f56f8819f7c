"""Fills an empty Oscar shop: a catalog, and a past in which shoppers follow up what they began."""

import random
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.contrib.auth import get_user_model
from django.utils import timezone
from django.utils.text import slugify
from oscar.apps.address.models import Country
from oscar.apps.analytics.models import UserProductView
from oscar.apps.catalogue.categories import create_from_breadcrumbs
from oscar.apps.catalogue.models import Product, ProductCategory, ProductClass
from oscar.apps.order.models import Line, Order
from oscar.apps.partner.models import Partner, StockRecord

from .goods import GOODS, titles

DAYS = 120
# What a training on it needs to beat every baseline, in seconds.
TRAINING = {"steps": 300, "width": 32, "rate": 0.006, "dropout": 0.1}


def make_catalog(count: int = 240) -> list[Product]:
    """Products that have a page, in shelf order: each 12th a parent of two, a few sold out, a few unpublished."""
    Country.objects.create(iso_3166_1_a2="GB", printable_name="United Kingdom", is_shipping_country=True)
    goods = ProductClass.objects.create(name="Goods")
    categories = {name: create_from_breadcrumbs(name) for name in GOODS}
    described = titles()[:count]
    products = [
        Product(
            title=title,
            slug=slugify(title),
            product_class=goods,
            structure="parent" if number % 12 == 5 else "standalone",
            is_public=number % 40 != 17,
        )
        for number, (_, title) in enumerate(described)
    ]
    Product.objects.bulk_create(products)
    ProductCategory.objects.bulk_create(
        ProductCategory(product=product, category=categories[name])
        for product, (name, _) in zip(products, described, strict=True)
    )
    _stock(products)
    return products


def make_past(products: list[Product], users: int = 360, guests: int = 40, seed: int = 0) -> None:
    """Orders of users and guests, and users' views before they bought."""
    draw = random.Random(seed)
    plans = _plans(draw, [product for product in products if product.is_public])
    buyers = get_user_model().objects.bulk_create(
        get_user_model()(username=f"buyer{number}", email=f"buyer{number}@example.com") for number in range(users)
    )
    orders: list[tuple[Order, Product]] = []
    views: list[UserProductView] = []
    for buyer in [*buyers, *[None] * guests]:
        for moment, product in _doings(draw, plans, events=15 if buyer else 1):
            orders.append((_order(len(orders), buyer, moment), product))
            if buyer and draw.random() < 0.5:
                views.append(UserProductView(user=buyer, product=product, date_created=moment - timedelta(hours=1)))
    _store(orders, views)


def _plans(draw: random.Random, products: list[Product]) -> list[list[Product]]:
    """18 plans of 12 of the 72 products that sell: each is part of three plans, which go on differently after it."""
    selling = draw.sample(products, 72)
    orders = [draw.sample(selling, 72) for _ in range(3)]
    return [order[start : start + 12] for order in orders for start in range(0, 72, 12)]


def _doings(draw: random.Random, plans: list[list[Product]], events: int) -> list[tuple[datetime, Product]]:
    """One plan after the other: what was bought last says less than what was bought before it."""
    end = timezone.now() - timedelta(days=1 + draw.random() * 8)
    begin = end - timedelta(days=draw.random() * (DAYS - 25))
    plan, place, done = draw.choice(plans), draw.randrange(12), []
    for moment in sorted(begin + (end - begin) * draw.random() for _ in range(events)):
        if draw.random() < 0.08:
            plan, place = draw.choice(plans), draw.randrange(12)
        done.append((moment, plan[place % 12]))
        place += 1
    return done


def _order(number: int, buyer: Any, moment: datetime) -> Order:
    total = {"total_incl_tax": Decimal(10), "total_excl_tax": Decimal(10), "currency": "GBP"}
    return Order(number=str(50_000 + number), user=buyer, date_placed=moment, **total)


def _store(orders: list[tuple[Order, Product]], views: list[UserProductView]) -> None:
    Order.objects.bulk_create(order for order, _ in orders)
    price = dict.fromkeys(
        ("line_price_incl_tax", "line_price_excl_tax", "line_price_before_discounts_incl_tax",
         "line_price_before_discounts_excl_tax"), Decimal(10),
    )  # fmt: skip
    children = {child.parent_id: child for child in Product.objects.filter(structure="child")}
    Line.objects.bulk_create(
        Line(
            order=order,
            product=children.get(product.pk, product),
            title=product.title,
            quantity=1,
            num_allocated=0,
            **price,
        )
        for order, product in orders
    )
    dates = [view.date_created for view in views]
    made = UserProductView.objects.bulk_create(views)  # writes "now" into date_created
    for view, date in zip(made, dates, strict=True):
        view.date_created = date
    UserProductView.objects.bulk_update(made, ["date_created"], batch_size=500)


def _stock(products: list[Product]) -> None:
    sold = [product for product in products if not product.is_parent]
    for parent in (product for product in products if product.is_parent):
        for size in ("small", "large"):
            title = f"{parent.title}, {size}"
            sold.append(Product(title=title, slug=slugify(title), structure="child", parent=parent))
    Product.objects.bulk_create(product for product in sold if product.is_child)
    partner = Partner.objects.create(name="Warehouse")
    StockRecord.objects.bulk_create(
        StockRecord(
            product=product,
            partner=partner,
            partner_sku=f"SKU-{number}",
            price=Decimal(4 + number * 7 % 60) + Decimal("0.95"),
            num_in_stock=0 if number % 30 == 8 else 50,
        )
        for number, product in enumerate(sold)
    )
