import time
from collections.abc import Iterator

from ..judging import Outcome
from ..stand import Stand

LONG = 12.0  # seconds


def happen(stand: Stand) -> Iterator[Outcome]:
    """Every statement about interactions runs into its timeout of 250 ms: the table is locked."""
    logs = ("use_case_failed", "request_not_served")
    with stand.fault("statement timeout", logs) as outcome, stand.database.locking("recommendations_interaction"):
        time.sleep(LONG)
    outcome.check(outcome.refused > 0, "nothing was refused")
    yield outcome
