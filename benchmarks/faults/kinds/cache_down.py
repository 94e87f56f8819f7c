import time
from collections.abc import Iterator

from ..judging import Outcome
from ..stand import Stand


def happen(stand: Stand) -> Iterator[Outcome]:
    """The cache in which the throttles count is away: everybody is let through."""
    with stand.fault("cache of the throttles down", ("cache_down",)) as outcome:
        stand.cache.kill()
        time.sleep(5)
        stand.cache.start()
    outcome.check(outcome.refused == 0, "an event was refused")
    yield outcome
