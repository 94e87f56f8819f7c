"""Mirroring what a transaction of the shop's saves, once it has committed: all of it together, however much it is."""

from collections.abc import Collection
from weakref import WeakKeyDictionary, ref

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from ..boundary import never_break
from .syncing import in_chunks, mirror


class _Waiting:
    """Ids that a connection's transaction mirrors at its commit; only the callbacks keep it, so a rollback drops it."""

    def __init__(self) -> None:
        self.product_ids: set[str] = set()

    def taken(self) -> set[str]:
        """All of them, which wait no longer."""
        taken, self.product_ids = self.product_ids, set()
        return taken


_waiting: WeakKeyDictionary[BaseDatabaseWrapper, "ref[_Waiting]"] = WeakKeyDictionary()


def mirror_after_commit(product_id: str, using: str | None = None) -> None:
    """Mirror the product after the commit of the transaction that this connection is in; at once where it is in none.

    Each call registers a callback, and the first that runs mirrors what all of them wait for: a savepoint that is
    rolled back takes its own callbacks away, and a product that nobody saved is mirrored as the shop has it.
    """
    connection = transaction.get_connection(using)
    waiting = _of(connection)
    waiting.product_ids.add(product_id)
    transaction.on_commit(lambda: _mirror_all(waiting.taken()), using=using)


def _of(connection: BaseDatabaseWrapper) -> _Waiting:
    known = _waiting.get(connection)
    waiting = (known and known()) or _Waiting()
    _waiting[connection] = ref(waiting)
    return waiting


def _mirror_all(product_ids: Collection[str]) -> None:
    """Each chunk guarded by itself: one that fails takes none of the others with it."""
    for chunk in in_chunks(product_ids):
        mirror_committed(chunk)


@never_break(fallback=lambda product_ids: None)
def mirror_committed(product_ids: Collection[str]) -> None:
    """Mirror what was saved; the shop has saved it already, whatever fails here."""
    mirror(product_ids)
