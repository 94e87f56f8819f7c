"""Rows are read where they are written: a replica would hide the last event, and give a new visitor a second cookie."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from django.db import OperationalError, connections, models, router, transaction
from django.db.models import F

Row = TypeVar("Row", bound=models.Model)
T = TypeVar("T")

DEADLOCK = "40P01"  # PostgreSQL's code
TRIES = 5


class FreshQuerySet(models.QuerySet[Row]):
    """Asks the database that the project's router names for writing, whatever it names for reading.

    As the base manager too, so that refresh_from_db() and related rows are read there.
    """

    @property
    def db(self) -> str:
        """The database's alias."""
        return self._db or router.db_for_write(self.model, **self._hints)

    def has_table(self) -> bool:
        """Whether the app's tables are there: not before `migrate`, and not after `migrate recommendations zero`."""
        return self.model._meta.db_table in connections[self.db].introspection.table_names()

    def atomic(self) -> transaction.Atomic:
        """A transaction where these rows are written."""
        return transaction.atomic(using=self.db)

    @contextmanager
    def atomic_writing(self) -> Iterator[None]:
        """A transaction that waits for other writers before it reads.

        SQLite lets one write at a time, and by default refuses at once one that has read before another wrote.
        """
        with self.atomic():
            if connections[self.db].vendor == "sqlite":
                key = self.model._meta.pk.name
                self.filter(pk=0).update(**{key: F(key)})  # no row, but the lock
            yield


def again_after_deadlock(work: Callable[[], T]) -> T:
    """What `work` gives, which is one transaction: done again where PostgreSQL ended it so that another could go on."""
    for _ in range(TRIES - 1):
        try:
            return work()
        except OperationalError as error:
            if not _is_deadlock(error):
                raise
    return work()


def _is_deadlock(error: OperationalError) -> bool:
    cause = error.__cause__
    return DEADLOCK in (getattr(cause, "sqlstate", None), getattr(cause, "pgcode", None))  # psycopg 3, and 2
