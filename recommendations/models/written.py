"""Statements that the ORM writes once a process: to write one anew takes longer than a database takes to answer it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import connections, models
from django.db.backends.base.base import BaseDatabaseWrapper

# What stands in a statement where a shopper's primary key will, and a time.
SOMEBODY = -7_340_033
SOME_TIME = datetime(1970, 3, 7, 5, 40, 33, tzinfo=UTC)


@dataclass(frozen=True)
class _Text:
    """A statement as one database reads it."""

    sql: str
    parameters: Sequence[Any]
    shoppers: Sequence[int]  # places among the parameters
    times: Sequence[int]
    converters: dict[int, tuple[Sequence[Callable[..., Any]], Any]]  # column -> (functions, expression)


class WrittenSelect:
    """The rows of `make()`: a queryset of values_list() about SOMEBODY, and about SOME_TIME if it likes."""

    def __init__(self, make: Callable[[], models.QuerySet[Any, Any]]) -> None:
        self._make = make
        self._texts: dict[str, _Text] = {}  # by database

    def rows(self, using: str, shopper: int, time: datetime | None = None) -> Sequence[Sequence[Any]]:
        """What the queryset would give about this shopper and this time. One SELECT."""
        connection = connections[using]
        if using not in self._texts:
            self._texts[using] = self._written(connection)
        text = self._texts[using]
        parameters = list(text.parameters)
        for place in text.shoppers:
            parameters[place] = shopper
        for place in text.times:
            parameters[place] = connection.ops.adapt_datetimefield_value(time)
        with connection.cursor() as cursor:
            cursor.execute(text.sql, parameters)
            return _converted(cursor.fetchall(), text, connection)

    def _written(self, connection: BaseDatabaseWrapper) -> _Text:
        compiler = self._make().using(connection.alias).query.get_compiler(connection.alias)
        sql, parameters = compiler.as_sql()
        some_time = connection.ops.adapt_datetimefield_value(SOME_TIME)
        shoppers, times = (
            [place for place, value in enumerate(parameters) if value == sought] for sought in (SOMEBODY, some_time)
        )
        if not shoppers:
            raise ValueError("the statement is about nobody, so it would tell everybody's rows; filter by SOMEBODY")
        columns = [expression for expression, *_ in compiler.select]
        return _Text(sql, parameters, shoppers, times, compiler.get_converters(columns))


def _converted(rows: Sequence[Sequence[Any]], text: _Text, connection: BaseDatabaseWrapper) -> Sequence[Sequence[Any]]:
    if not text.converters:
        return rows
    found = [list(row) for row in rows]
    for column, (functions, expression) in text.converters.items():
        for row in found:
            for function in functions:
                row[column] = function(row[column], expression, connection)
    return found
