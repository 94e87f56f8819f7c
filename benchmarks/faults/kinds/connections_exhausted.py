import time
from collections.abc import Iterator

import psycopg

from ..judging import Outcome
from ..stand import Stand

LONG = 6.0  # seconds


def happen(stand: Stand) -> Iterator[Outcome]:
    """Somebody holds all connections of PostgreSQL, the shop has no pool; then a pool of one is too small."""
    logs = ("use_case_failed", "request_not_served")
    with stand.web_with(FAULTS_POOL="0"), stand.fault("all connections taken, no pool", logs) as outcome:
        held = _all_connections(stand)
        time.sleep(LONG)
        for connection in held:
            connection.close()
    outcome.check(outcome.refused > 0, "nothing was refused")
    yield outcome
    # What the pool has is held by events that wait for a lock, until their statement_timeout.
    with (
        stand.web_with(FAULTS_POOL="1"),
        stand.fault("pool of one connection exhausted", logs) as outcome,
        stand.database.locking("recommendations_interaction"),
    ):
        time.sleep(LONG)
    outcome.check(outcome.refused > 0, "nothing was refused")
    yield outcome


def _all_connections(stand: Stand) -> list[psycopg.Connection]:
    held, until = [], time.monotonic() + 1.5
    while time.monotonic() < until:  # what a page gives back is taken too
        try:
            held.append(psycopg.connect(stand.database.url.replace("postgres://", "postgresql://"), connect_timeout=1))
        except psycopg.OperationalError:
            time.sleep(0.005)
    return held
