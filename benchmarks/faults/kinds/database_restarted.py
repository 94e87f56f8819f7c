import time
from collections.abc import Iterator

from ..judging import Outcome
from ..stand import Stand

DOWN = 4.0  # seconds


def happen(stand: Stand) -> Iterator[Outcome]:
    """PostgreSQL is killed under load, is away for a while, recovers, and is back."""
    logs = ("use_case_failed", "request_not_served")
    with stand.fault("PostgreSQL killed and restarted", logs, in_doubt=8) as outcome:
        stand.database.crash()
        time.sleep(DOWN)
        stand.database.start()
        time.sleep(2)
    outcome.check(outcome.refused > 0, "nothing was refused while it was down")
    yield outcome
