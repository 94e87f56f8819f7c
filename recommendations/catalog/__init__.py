"""Products in: the registry in which a shop declares its models, the mirror, and the cards people see."""

from .cards import Card, Price
from .declaration import Catalog, Promotion
from .mirroring import mirror_after_commit
from .registry import (
    cards_if_any,
    catalogs_of,
    find_cards,
    find_promotions,
    get_catalogs,
    ids_of,
    product_id_of,
    promotes_anything,
    register,
    registered,
    try_cards,
    wrong_prefixes,
)
from .syncing import SyncResult, mirror, sync_catalog

__all__ = [
    "Card",
    "Catalog",
    "Price",
    "Promotion",
    "SyncResult",
    "cards_if_any",
    "catalogs_of",
    "find_cards",
    "find_promotions",
    "get_catalogs",
    "ids_of",
    "mirror",
    "mirror_after_commit",
    "product_id_of",
    "promotes_anything",
    "register",
    "registered",
    "sync_catalog",
    "try_cards",
    "wrong_prefixes",
]
