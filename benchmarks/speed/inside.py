"""One list in this process: the time of its thread on the processor, queries apart."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from time import perf_counter, thread_time
from typing import Any
from unittest.mock import patch

import numpy as np
from django.db import connection
from django.test.utils import CaptureQueriesContext

from recommendations.models import Shopper
from recommendations.models.hidden_product import HiddenProductQuerySet
from recommendations.models.interaction import InteractionQuerySet
from recommendations.publishing import current, current_recommender, forget
from recommendations.serving import RecommendationQuery, recommend, recommending

# What asks the database for a list: the newest events, what is left out, the cards.
ASKING = ((InteractionQuerySet, "newest_of"), (HiddenProductQuerySet, "left_out_by"), (recommending, "find_cards"))


class Apart:
    """Adds up the time of some calls: on the processor, and by the clock."""

    def __init__(self) -> None:
        self.thread = self.clock = 0.0

    def timed(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            thread, clock = thread_time(), perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                self.thread += thread_time() - thread
                self.clock += perf_counter() - clock

        return call


@contextmanager
def queries_apart() -> Iterator[Apart]:
    """Inside, everything in ASKING is timed."""
    apart = Apart()
    with ExitStack() as patches:
        for owner, name in ASKING:
            patches.enter_context(patch.object(owner, name, apart.timed(getattr(owner, name))))
        yield apart


def lists(shoppers: Iterable[Shopper], calls: int, explains: bool) -> dict[str, dict[str, float]]:
    """Milliseconds without queries, of the queries by the clock, and of all by the clock, over lists of ten."""
    shoppers, own, asking, whole = list(shoppers), [], [], []
    for number in range(calls + 50):
        query = RecommendationQuery("home", shoppers[number % len(shoppers)], explains=explains)
        with queries_apart() as apart:
            thread, clock = thread_time(), perf_counter()
            found = recommend(query)
            thread, clock = thread_time() - thread, perf_counter() - clock
        assert len(found.recommendations) == 10
        own.append(thread - apart.thread)
        asking.append(apart.clock)
        whole.append(clock)
    return {name: _percentiles(values[50:]) for name, values in (("own", own), ("queries", asking), ("clock", whole))}


def selects(send: Callable[..., tuple[int, bytes]], path: str, cookies: Iterable[str]) -> int:
    """The most SELECTs of our tables that one request of the list endpoint takes, beside looks for a new version."""
    most = 0
    with patch.object(current, "REFRESH_SECONDS", 3600):
        forget()
        current_recommender()  # every few seconds a process looks for news of its own
        for cookie in cookies:
            with CaptureQueriesContext(connection) as asked:
                status, body = send(path, cookies={"recommendations_shopper": cookie})
            assert status == 200, body
            ours = [query["sql"] for query in asked if '"recommendations_' in query["sql"]]
            assert ours, "no query was seen"
            most = max(most, sum(sql.startswith(("SELECT", "(SELECT")) for sql in ours))
    forget()
    return most


def _percentiles(seconds: list[float]) -> dict[str, float]:
    return {name: round(float(np.percentile(seconds, q)) * 1e3, 2) for name, q in (("p50", 50), ("p99", 99))}
