"""Storing many interactions in one statement; those that are there already are left alone."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

TYPES = ("bigint", "bigint", "smallint", "smallint", "integer", "text", "timestamptz", "bigint", "bigint")


@dataclass(frozen=True)
class NewInteractions:
    """Columns of equal length, as the table has them; the keys are primary keys of our tables."""

    shopper_id: Sequence[int]
    product_id: Sequence[int | None]
    kind: Sequence[int]
    source: Sequence[int]
    quantity: Sequence[int]
    query: Sequence[str]
    occurred_at: Sequence[datetime]
    list_id: Sequence[int | None]
    event_key: Sequence[int]

    def __len__(self) -> int:
        return len(self.shopper_id)

    @property
    def columns(self) -> list[Sequence[Any]]:
        return [getattr(self, field.name) for field in fields(self)]


def insert_new(table: str, rows: NewInteractions, alias: str) -> int:
    """One INSERT that skips rows whose (shopper, event_key) is there; returns how many rows are new."""
    if not len(rows):
        return 0
    connection = connections[alias]
    names = ", ".join(field.name for field in fields(rows))
    into = f"INSERT INTO {connection.ops.quote_name(table)} ({names})"
    # Without a savepoint: one statement, or many that stand or fall together.
    with transaction.atomic(using=alias, savepoint=False), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            arrays = ", ".join(f"%s::{type_}[]" for type_ in TYPES)
            insert = f"{into} SELECT * FROM unnest({arrays}) ON CONFLICT DO NOTHING"  # noqa: S608 - our own names
            cursor.execute(insert, [list(column) for column in rows.columns])
        else:
            marks = ", ".join(["%s"] * len(TYPES))
            *before, times, list_ids, keys = rows.columns
            values = zip(*before, _adapted(times, connection), list_ids, keys, strict=True)
            cursor.executemany(f"{into} VALUES ({marks}) ON CONFLICT DO NOTHING", values)
        return cursor.rowcount


def _adapted(times: Iterable[datetime], connection: BaseDatabaseWrapper) -> list[Any]:
    # The lines of an order share their time: adapting is the slowest part of a row.
    adapted: dict[datetime, Any] = {}
    for time in times:
        if time not in adapted:
            adapted[time] = connection.ops.adapt_datetimefield_value(time)
    return [adapted[time] for time in times]
