"""The lookups made for every event, as plain SQL: building such a query with the ORM takes longer than answering it."""

from collections.abc import Collection
from typing import Any

from django.db import connections, models


def rows_where(queryset: models.QuerySet[Any], columns: str, key: str, values: Collection[Any], also: str = "") -> Any:
    """`columns` of all rows of the queryset's table whose column `key` holds one of the values, as tuples."""
    if not values:
        return []
    connection = connections[queryset.db]
    table, marks = connection.ops.quote_name(queryset.model._meta.db_table), ", ".join(["%s"] * len(values))
    with connection.cursor() as cursor:
        asking = f"SELECT {columns} FROM {table} WHERE {key} IN ({marks}) {also}"  # noqa: S608 # nosec B608
        cursor.execute(asking, list(values))
        return cursor.fetchall()
