"""The shopper's rights over what is remembered, and how long anything is kept."""

from .remembering import Met, Removed, history_of, removed_by
from .removing import hide, remove, restore, show_again
from .retention import Purged, purge

__all__ = [
    "Met",
    "Purged",
    "Removed",
    "hide",
    "history_of",
    "purge",
    "remove",
    "removed_by",
    "restore",
    "show_again",
]
