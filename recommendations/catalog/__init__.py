"""Products in: the registry in which a shop declares its Product model, the mirror, and the cards people see."""

from .cards import Card, Price
from .registry import Catalog, get_catalog, register, registered
from .syncing import SyncResult, mirror, retire, sync_catalog

__all__ = [
    "Card",
    "Catalog",
    "Price",
    "SyncResult",
    "get_catalog",
    "mirror",
    "register",
    "registered",
    "retire",
    "sync_catalog",
]
