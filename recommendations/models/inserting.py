"""Storing many interactions in one statement; those that are there already are left alone."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from .postgresql import NULL, can_copy, copied_text, insert_copied, may_make_temporary_tables

# With fewer rows a temporary table costs more than it saves.
FEWEST_COPIED = 2_000
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
    """Insert all rows but those whose (shopper, event_key) is there, or none of them; returns how many are new."""
    if not len(rows):
        return 0
    connection = connections[alias]
    names = [field.name for field in fields(rows)]
    into = f"INSERT INTO {connection.ops.quote_name(table)} ({', '.join(names)})"
    many = len(rows) >= FEWEST_COPIED and can_copy(connection)
    is_one_statement = connection.vendor == "postgresql" and not many and not connection.in_atomic_block
    # Without a savepoint: the statements stand or fall together; a single one does without being told to.
    together = nullcontext() if is_one_statement else transaction.atomic(using=alias, savepoint=False)
    with together, connection.cursor() as cursor:
        if many and may_make_temporary_tables(cursor):
            return insert_copied(cursor, connection.ops.quote_name(table), names, _lines(rows))
        if connection.vendor == "postgresql":
            arrays = ", ".join(f"%s::{type_}[]" for type_ in TYPES)
            # Our own names, no values.
            insert = f"{into} SELECT * FROM unnest({arrays}) ON CONFLICT DO NOTHING"  # noqa: S608 # nosec B608
            cursor.execute(insert, [list(column) for column in rows.columns])
        else:
            marks = ", ".join(["%s"] * len(TYPES))
            *before, times, list_ids, keys = rows.columns
            values = zip(*before, _adapted(times, connection), list_ids, keys, strict=True)
            cursor.executemany(f"{into} VALUES ({marks}) ON CONFLICT DO NOTHING", values)
        return int(cursor.rowcount)


def _lines(rows: NewInteractions) -> Iterator[str]:
    """The rows as COPY reads them."""
    told = {time: time.isoformat() for time in set(rows.occurred_at)}
    for shopper, product, kind, source, quantity, query, time, list_id, key in zip(*rows.columns, strict=True):
        product = NULL if product is None else product
        list_id = NULL if list_id is None else list_id
        query = copied_text(query)
        yield f"{shopper}\t{product}\t{kind}\t{source}\t{quantity}\t{query}\t{told[time]}\t{list_id}\t{key}"


def _adapted(times: Iterable[datetime], connection: BaseDatabaseWrapper) -> list[Any]:
    # The lines of an order share their time: adapting is the slowest part of a row.
    adapted: dict[datetime, Any] = {}
    for time in times:
        if time not in adapted:
            adapted[time] = connection.ops.adapt_datetimefield_value(time)
    return [adapted[time] for time in times]
