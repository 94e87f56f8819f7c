"""Products in: the registry in which a shop declares its models, the mirror, and the cards people see."""

from .cards import Card, Price
from .declaration import Catalog
from .registry import (
    catalogs_of,
    find_cards,
    get_catalogs,
    ids_of,
    product_id_of,
    register,
    registered,
    wrong_prefixes,
)
from .syncing import SyncResult, mirror, sync_catalog

__all__ = [
    "Card",
    "Catalog",
    "Price",
    "SyncResult",
    "catalogs_of",
    "find_cards",
    "get_catalogs",
    "ids_of",
    "mirror",
    "product_id_of",
    "register",
    "registered",
    "sync_catalog",
    "wrong_prefixes",
]
