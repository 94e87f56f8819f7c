"""The one boundary between the shop's page and us: what is raised behind it is logged once and replaced."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from functools import wraps
from threading import Lock
from time import monotonic
from typing import Any, ClassVar, TypeVar

from django.db import Error as DatabaseFailure
from django.db import InterfaceError, OperationalError, connections, transaction

from .logs import log
from .metrics import fell_back
from .mistakes import is_raised

T = TypeVar("T")

# Seconds after which whoever was told 503 may come again.
RETRY_SECONDS = 5
# Seconds for which lists do without a database that failed; then one of them asks it again.
FIRST_REST, LONGEST_REST = 1.0, 8.0


class CircuitBreaker:
    """Keeps pages from waiting for a database that does not answer, each of them for the same timeout again."""

    made: ClassVar[list["CircuitBreaker"]] = []

    def __init__(self) -> None:
        self._lock = Lock()
        self.close()
        self.made.append(self)

    def close(self) -> None:
        """As at the start: the database is asked."""
        self._rest = 0.0  # seconds; 0 while the database answers
        self._next_try = 0.0
        self._trying = False

    def is_open(self) -> bool:
        """Whether to do without. Once the rest is over one caller is told no, who then tells how it went."""
        if not self._rest:
            return False
        with self._lock:
            if self._rest and monotonic() >= self._next_try:
                self._next_try, self._trying = monotonic() + self._rest, True
                return False
            return bool(self._rest)

    def failed(self) -> None:
        """The database did not answer: rest, longer after each try."""
        with self._lock:
            if self._rest and not self._trying:
                return  # others had begun before the rest
            self._rest = min(2 * self._rest, LONGEST_REST) or FIRST_REST
            self._next_try, self._trying = monotonic() + self._rest, False


def never_break(
    fallback: Callable[..., T], breaker: CircuitBreaker | None = None, queries: bool = True
) -> Callable[[Callable[..., T]], Callable[..., T]]:
    """Decorate a use case so that the page that calls it succeeds: on any error, log once and return `fallback(...)`.

    `fallback` gets the call's arguments as they were given, by place or by name. With RECOMMENDATIONS["STRICT"] the
    error is raised instead, and with DEBUG what only the shop's developer can have done wrong: a mistake of ours to
    tell, or an error of the shop's own code, as of its catalog. What has a `breaker` only reads: it is left out for a
    while after the database did not answer. What makes no `queries` of ours opens no savepoint.
    """

    def decorate(function: Callable[..., T]) -> Callable[..., T]:
        @wraps(function)
        def guarded(*args: Any, **kwargs: Any) -> T:
            if breaker is not None and breaker.is_open():
                return fallback(*args, **kwargs)
            try:
                with spared_transaction() if queries else nullcontext():
                    found = function(*args, **kwargs)
                if breaker is not None:
                    breaker.close()
                return found
            except Exception as error:
                if is_raised(error):
                    raise
                if breaker is not None and isinstance(error, (InterfaceError, OperationalError)):
                    breaker.failed()
                log("use_case_failed", error, use_case=function.__qualname__)
                fell_back(function.__qualname__)
                return fallback(*args, **kwargs)

        return guarded

    return decorate


def outside_transactions(view: Callable[..., T]) -> Callable[..., T]:
    """The view outside ATOMIC_REQUESTS of every database."""
    for alias in connections:
        view = transaction.non_atomic_requests(alias)(view)
    return view


@contextmanager
def spared_transaction() -> Iterator[None]:
    """A savepoint in each transaction that the caller is in (a failed query would spoil it), of whatever database: the
    shop's products may be in another than our tables. In one that is broken already there is nothing to spare: whatever
    asks that database fails by itself, and nothing else does.

    Outside a transaction reads run in autocommit: on SQLite a savepoint around a read would take the write lock.
    """
    with ExitStack() as savepoints:
        for connection in connections.all(initialized_only=True):
            if connection.in_atomic_block:
                with suppress(DatabaseFailure):
                    savepoints.enter_context(transaction.atomic(using=connection.alias))
        yield
