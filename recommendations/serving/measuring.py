"""What lists are made of and how long it takes, counted where somebody wants to know."""

from collections.abc import Callable, Sequence
from functools import wraps
from time import perf_counter
from typing import ParamSpec, Protocol, TypeVar

from .. import metrics
from .queries import RecommendationQuery
from .recommendations import Recommendation, RecommendationList

P = ParamSpec("P")
T = TypeVar("T")
Make = Callable[[RecommendationQuery], RecommendationList]
# The placement under which the rows of a page are counted.
ROWS = "because_rows"


class Row(Protocol):
    """What is counted of a row."""

    @property
    def recommendations(self) -> tuple[Recommendation, ...]: ...


R = TypeVar("R", bound=Row)


def measured(make: Make) -> Make:
    """Decorate what makes lists, so that each is counted with the time it took, its sources and its reasons."""
    return _measured(make, lambda made: (made.placement, made.recommendations))


def measured_rows(make: Callable[P, list[R]]) -> Callable[P, list[R]]:
    """Decorate what makes rows: those of one call are counted together, as a list of the placement ROWS."""
    return _measured(make, lambda rows: (ROWS, [entry for row in rows for entry in row.recommendations]))


def _measured(make: Callable[P, T], read: Callable[[T], tuple[str, Sequence[Recommendation]]]) -> Callable[P, T]:
    @wraps(make)
    def counted(*args: P.args, **kwargs: P.kwargs) -> T:
        if not metrics.is_on():
            return make(*args, **kwargs)
        began = perf_counter()
        made = make(*args, **kwargs)
        seconds = perf_counter() - began
        placement, entries = read(made)
        tiers = [entry.reason.tier for entry in entries]
        metrics.list_served(placement, seconds, [entry.source for entry in entries], tiers)
        return made

    return counted
