import time
from collections.abc import Iterator

from ..judging import Outcome
from ..stand import Stand


def happen(stand: Stand) -> Iterator[Outcome]:
    """The database takes no writes, as a replica or a disk that is full."""
    with stand.fault("read-only database", ("request_not_served",)) as outcome:
        stand.database.be_read_only(True)
        time.sleep(5)
        stand.database.be_read_only(False)
    outcome.check(outcome.refused > 0, "nothing was refused")
    yield outcome
