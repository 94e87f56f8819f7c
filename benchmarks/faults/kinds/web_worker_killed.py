import os
import signal
import time
from collections.abc import Iterator

from ..judging import Outcome
from ..stand import Stand

KILLS, REQUESTS = 4, 4


def happen(stand: Stand) -> Iterator[Outcome]:
    """A web worker is killed with -9 while it changes versions; what it was answering goes with it."""
    from recommendations.models import RecommenderVersion
    from recommendations.publishing import publish

    first = RecommenderVersion.objects.get(pk=stand.current())
    second = stand.copy_of_current()
    for name, page in (("web worker killed -9", "/"), ("the same, a page without the app", "/login/")):
        in_flight = KILLS * REQUESTS
        with stand.fault(f"{name}, {KILLS} times", may_fail=in_flight, in_doubt=in_flight, page=page) as outcome:
            for turn in range(KILLS):
                publish((second, first)[turn % 2])
                time.sleep(2.9)  # they look every 3 s
                os.kill(stand.web.workers()[turn % 2], signal.SIGKILL)
            time.sleep(4)
            outcome.check(stand.served_soon(first.pk), "the last one published is not served")
        outcome.check(outcome.otherwise <= in_flight, f"{outcome.otherwise} events had no answer")
        yield outcome
