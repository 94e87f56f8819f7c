"""Rows are read where they are written: a replica would hide the last event, and give a new visitor a second cookie."""

from typing import TypeVar

from django.db import models, router, transaction

Row = TypeVar("Row", bound=models.Model)


class FreshQuerySet(models.QuerySet[Row]):
    """Asks the database that the project's router names for writing, whatever it names for reading.

    As the base manager too, so that refresh_from_db() and related rows are read there.
    """

    @property
    def db(self) -> str:
        """The database's alias."""
        return self._db or router.db_for_write(self.model, **self._hints)

    def atomic(self) -> transaction.Atomic:
        """A transaction where these rows are written."""
        return transaction.atomic(using=self.db)
