"""What Oscar has kept of the time before the app was there: order lines and users' views."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby, islice
from operator import itemgetter
from typing import Any

from django.db import connections
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Min, Q, QuerySet
from oscar.core.loading import get_model

from recommendations.capture import Batch, ImportResult, import_rows
from recommendations.catalog import product_id_of
from recommendations.contrib.oscar.returns import returned_statuses
from recommendations.ml.kinds import Kind
from recommendations.models import Interaction, Product

OrderLine = get_model("order", "Line")
OscarProduct = get_model("catalogue", "Product")
UserProductView = get_model("analytics", "UserProductView")

CHUNK = 5_000
# Oscar notes a view a moment before we do.
MOMENT = timedelta(minutes=1)


@dataclass
class Backfill:
    """What became of Oscar's rows; `gone` counts those whose product is no more, `returned` lines that came back."""

    user_orders: ImportResult = field(default_factory=ImportResult)
    guest_orders: ImportResult = field(default_factory=ImportResult)
    views: ImportResult = field(default_factory=ImportResult)
    gone: int = 0
    returned: int = 0


def backfill() -> Backfill:
    """Import what happened before the app was there; run sync_catalog before. A second time adds nothing.

    Later rows are left: the app has recorded them itself, or must not, since the shopper gave no consent, or had it
    erased. Order lines that were cancelled, refunded or sent back are no purchases.
    """
    done, ids, until = Backfill(), _product_ids(), _our_time()
    lines = _before(until, OrderLine.objects.all(), "order__date_placed")
    views = _before(until, UserProductView.objects.all(), "date_created")
    undone = Q(order__status__in=returned_statuses()) | Q(status__in=returned_statuses())
    done.returned, lines = lines.filter(undone).count(), lines.exclude(undone)
    of_users, of_guests = lines.filter(order__user__isnull=False), lines.filter(order__user__isnull=True)
    done.user_orders = import_rows(_orders_of_users(of_users, ids, done), shoppers_are_users=True)
    done.guest_orders = import_rows(_orders_of_guests(of_guests, ids, done))
    done.views = import_rows(_views(views, ids, done), shoppers_are_users=True)
    return done


def _product_ids() -> dict[Any, str]:
    """Primary key of each of Oscar's products, children too -> its id, as far as it is mirrored."""
    mirrored = {product_id for _, product_id in Product.objects.vocabulary()}
    every = ((product.pk, product_id_of(product)) for product in OscarProduct.objects.iterator(chunk_size=CHUNK))
    return {pk: product_id for pk, product_id in every if product_id in mirrored}


def _our_time() -> datetime | None:
    """From when on the app may have recorded: its first own row, or before that its first migration, which no erasure
    moves. None without either.
    """
    own = Interaction.objects.exclude(source=Interaction.Source.IMPORT)
    first: datetime | None = own.aggregate(first=Min("occurred_at"))["first"]
    return min(filter(None, (first and first - MOMENT, _migrated())), default=None)


def _migrated() -> datetime | None:
    recorder = MigrationRecorder(connections[Interaction.objects.all().db])
    if not recorder.has_table():
        return None
    ours = recorder.migration_qs.filter(app=Interaction._meta.app_label)
    migrated: datetime | None = ours.aggregate(first=Min("applied"))["first"]
    return migrated


def _before(until: datetime | None, rows: QuerySet[Any], field: str) -> QuerySet[Any]:
    return rows if until is None else rows.filter(**{f"{field}__lt": until})


def _orders_of_users(lines: QuerySet[Any], ids: dict[Any, str], done: Backfill) -> Iterator[Batch]:
    for products, numbers, users, quantities, times in _order_columns(lines, ids, done):
        yield Batch(list(map(str, users)), products, times, quantity=quantities, order=numbers)


def _orders_of_guests(lines: QuerySet[Any], ids: dict[Any, str], done: Backfill) -> Iterator[Batch]:
    for products, numbers, _, quantities, times in _order_columns(lines, ids, done):
        yield Batch([f"guest:{number}" for number in numbers], products, times, quantity=quantities, order=numbers)


def _order_columns(lines: QuerySet[Any], ids: dict[Any, str], done: Backfill) -> Iterator[list[Any]]:
    fields = ("product", "order__number", "order__user", "quantity", "order__date_placed")
    rows = _known(lines.order_by("order_id", "pk").values_list(*fields), ids, done)
    orders = (list(lines_of_one) for _, lines_of_one in groupby(rows, key=itemgetter(1)))
    while chunk := [row for order in islice(orders, CHUNK) for row in order]:
        yield _columns(chunk)


def _views(views: QuerySet[Any], ids: dict[Any, str], done: Backfill) -> Iterator[Batch]:
    rows = _known(views.order_by("pk").values_list("product", "user", "date_created"), ids, done)
    while chunk := list(islice(rows, CHUNK)):
        products, users, times = _columns(chunk)
        yield Batch(list(map(str, users)), products, times, kind=Kind.VIEW)


def _known(rows: QuerySet[Any], ids: dict[Any, str], done: Backfill) -> Iterator[list[Any]]:
    """The rows with their product's id in place of its key, streamed."""
    for product, *others in rows.iterator(chunk_size=CHUNK):
        if product in ids:
            yield [ids[product], *others]
        else:
            done.gone += 1


def _columns(rows: list[list[Any]]) -> list[Any]:
    """The rows turned into columns, their last one from times to seconds."""
    *columns, times = zip(*rows, strict=True)
    return [*columns, [int(time.timestamp()) for time in times]]
