"""The shopper's rights over what is remembered, and how long anything is kept."""

from .erasing import erase
from .exporting import export
from .personalisation import erase_all, is_personalised, switch_off, switch_on
from .remembering import Met, Removed, history_of, removed_by
from .removing import hide, remove, restore, show_again
from .retention import Purged, purge

__all__ = [
    "Met",
    "Purged",
    "Removed",
    "erase",
    "erase_all",
    "export",
    "hide",
    "history_of",
    "is_personalised",
    "purge",
    "remove",
    "removed_by",
    "restore",
    "show_again",
    "switch_off",
    "switch_on",
]
