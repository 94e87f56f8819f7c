import os
import signal
import time
from collections.abc import Iterator
from typing import Any

from ..judging import Outcome
from ..servers import wait_until
from ..stand import Stand

KILLS, REQUESTS = 4, 4
LOADING = "4"  # seconds that a load rests, so that the kill comes amid it


def happen(stand: Stand) -> Iterator[Outcome]:
    """A web worker is killed with -9 amid loading the next version; what it was answering goes with it."""
    from recommendations.models import RecommenderVersion

    first = RecommenderVersion.objects.get(pk=stand.current())
    second = stand.copy_of_current()
    in_flight = KILLS * REQUESTS
    limits = {"may_fail": in_flight, "in_doubt": in_flight}
    with stand.web_with(FAULTS_LOADING=LOADING):
        with stand.fault(f"web worker killed -9 in a load, {KILLS} times", **limits) as outcome:
            for turn in range(KILLS):
                _kill_amid_load(stand, outcome, (second, first)[turn % 2])
        yield outcome
        with stand.fault(f"a page without the app, {KILLS} kills", page="/login/", **limits) as outcome:
            for turn in range(KILLS):
                time.sleep(2.9)
                os.kill(stand.web.workers()[turn % 2], signal.SIGKILL)
            time.sleep(4)
        yield outcome


def _kill_amid_load(stand: Stand, outcome: Outcome, version: Any) -> None:
    from recommendations.publishing import publish

    def loading() -> list[int]:
        marks = [(pid, stand.var / "loading" / str(pid)) for pid in stand.web.workers()]
        return [pid for pid, mark in marks if mark.exists()]

    publish(version)
    wait_until(lambda: bool(loading()), 15, f"the load of version {version.pk}")
    killed = loading()[0]
    os.kill(killed, signal.SIGKILL)
    # A load that had ended would have taken its mark away.
    outcome.check((stand.var / "loading" / str(killed)).exists(), "it was killed after the load")
    outcome.check(stand.served_soon(version.pk, 20), f"version {version.pk} is not served")
