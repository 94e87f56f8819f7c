"""The one boundary between the shop's page and us: what is raised behind it is logged once and replaced."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeVar

from django.conf import settings
from django.db import connections, router, transaction

from .conf import get_config
from .logs import MISTAKES, log
from .metrics import fell_back

T = TypeVar("T")


def never_break(fallback: Callable[..., T]) -> Callable[[Callable[..., T]], Callable[..., T]]:
    """Decorate a use case so that the page that calls it succeeds: on any error, log once and return `fallback(...)`.

    `fallback` gets the call's arguments. With RECOMMENDATIONS["STRICT"] the error is raised instead, and with DEBUG
    what only the shop's developer can have done wrong.
    """

    def decorate(function: Callable[..., T]) -> Callable[..., T]:
        @wraps(function)
        def guarded(*args: Any, **kwargs: Any) -> T:
            try:
                with spared_transaction():
                    return function(*args, **kwargs)
            except Exception as error:
                if get_config().STRICT or (settings.DEBUG and isinstance(error, MISTAKES)):
                    raise
                log("use_case_failed", error, use_case=function.__qualname__)
                fell_back(function.__qualname__)
                return fallback(*args, **kwargs)

        return guarded

    return decorate


@contextmanager
def spared_transaction() -> Iterator[None]:
    """A savepoint when the caller is in a transaction (a failed query would spoil it), else nothing.

    Outside a transaction reads run in autocommit: on SQLite a savepoint around a read would take the write lock.
    """
    from .models import Interaction

    alias = router.db_for_write(Interaction)
    if not connections[alias].in_atomic_block:
        yield
        return
    with transaction.atomic(using=alias):
        yield
