"""Storing many interactions in one statement; those that are there already are left alone."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from .postgresql import BESIDE, NULL, can_copy, copied_text, insert_copied, may_make_temporary_tables

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


def insert_new(table: str, shoppers: str, rows: NewInteractions, alias: str) -> int:
    """Insert all rows but those whose (shopper, event_key) is there, or none of them; returns how many are new.

    Left out as well is what its shopper, a row of the table `shoppers`, does not let be kept by now.
    """
    if not len(rows):
        return 0
    connection = connections[alias]
    names = [field.name for field in fields(rows)]
    into, wanted = connection.ops.quote_name(table), _wanted(shoppers, connection)
    many = len(rows) >= FEWEST_COPIED and can_copy(connection)
    is_one_statement = connection.vendor == "postgresql" and not many and not connection.in_atomic_block
    # Without a savepoint: the statements stand or fall together; a single one does without being told to.
    together = nullcontext() if is_one_statement else transaction.atomic(using=alias, savepoint=False)
    with together, connection.cursor() as cursor:
        if many and may_make_temporary_tables(cursor):
            return insert_copied(cursor, into, names, _lines(rows), _insertion(into, names, BESIDE, wanted))
        if connection.vendor == "postgresql":
            arrays = ", ".join(f"%s::{type_}[]" for type_ in TYPES)
            new = f"(SELECT * FROM unnest({arrays}) AS given ({', '.join(names)}))"  # noqa: S608 # nosec B608
            cursor.execute(_insertion(into, names, new, wanted), [list(column) for column in rows.columns])
        else:
            new = f"(SELECT {', '.join(f'%s AS {name}' for name in names)})"
            *before, times, list_ids, keys = rows.columns
            values = zip(*before, _adapted(times, connection), list_ids, keys, strict=True)
            cursor.executemany(_insertion(into, names, new, wanted), values)
        return int(cursor.rowcount)


def _insertion(table: str, names: Sequence[str], new: str, wanted: str) -> str:
    """The statement that stores the rows of `new`, a table or a SELECT in parentheses."""
    columns = ", ".join(names)
    insert = f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {new} AS new"  # noqa: S608 # nosec B608
    return f"{insert} WHERE {wanted} ON CONFLICT DO NOTHING"


def _wanted(shoppers: str, connection: BaseDatabaseWrapper) -> str:
    """The condition under which a row `new` is stored.

    On PostgreSQL its shopper is locked until the commit: an erasure under way is waited for, a later one sees the row.
    The foreign key takes the same lock, but after the rows were judged. SQLite lets nobody else write meanwhile.
    """
    table, lock = connection.ops.quote_name(shoppers), "FOR KEY SHARE" if connection.vendor == "postgresql" else ""
    lets = "personalised AND (erased_at IS NULL OR new.occurred_at > erased_at)"
    return f"EXISTS (SELECT 1 FROM {table} WHERE id = new.shopper_id AND {lets} {lock})"  # noqa: S608 # nosec B608


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
