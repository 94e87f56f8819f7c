"""The shopper's rights over what is remembered, and how long anything is kept."""

from .erasing import erase, is_anything_kept
from .exporting import export
from .interests import Interest, interests_of
from .personalisation import Standing, erase_all, has_agreed, is_personalised, standing, switch_off, switch_on
from .remembering import Hidden, Met, Removed, hidden_by, history_of, removed_by, searches_removed_for_good
from .removing import hide, hide_as_asked, is_like_others, remove, restore, show_again
from .retention import Purged, purge
from .seeing import Seen, seen_by

__all__ = [
    "Hidden",
    "Interest",
    "Met",
    "Purged",
    "Removed",
    "Seen",
    "Standing",
    "erase",
    "erase_all",
    "export",
    "has_agreed",
    "hidden_by",
    "hide",
    "hide_as_asked",
    "history_of",
    "interests_of",
    "is_anything_kept",
    "is_like_others",
    "is_personalised",
    "purge",
    "remove",
    "removed_by",
    "restore",
    "searches_removed_for_good",
    "seen_by",
    "show_again",
    "standing",
    "switch_off",
    "switch_on",
]
