"""What lists are made of and how long it takes, counted where somebody wants to know."""

from collections.abc import Callable
from functools import wraps
from time import perf_counter

from .. import metrics
from .queries import RecommendationQuery
from .recommendations import RecommendationList

Make = Callable[[RecommendationQuery], RecommendationList]


def measured(make: Make) -> Make:
    """Decorate what makes lists, so that each is counted with the time it took, its sources and its reasons."""

    @wraps(make)
    def counted(query: RecommendationQuery) -> RecommendationList:
        if not metrics.is_on():
            return make(query)
        began = perf_counter()
        made = make(query)
        seconds = perf_counter() - began
        entries = made.recommendations
        tiers = [entry.reason.tier for entry in entries]
        metrics.list_served(made.placement, seconds, [entry.source for entry in entries], tiers)
        return made

    return counted
