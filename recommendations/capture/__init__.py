"""What shoppers do, recorded: by the shop's own code, by browsers, from files of the past."""

from .accepting import Accepted, accept
from .events import Event
from .importing import Batch, ImportResult, import_interactions, import_rows
from .merging import merge_at_login
from .recording import record, record_order

__all__ = [
    "Accepted",
    "Batch",
    "Event",
    "ImportResult",
    "accept",
    "import_interactions",
    "import_rows",
    "merge_at_login",
    "record",
    "record_order",
]
