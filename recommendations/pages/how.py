"""How suggestions are chosen: a page that anybody may read, filled from the version that serves."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from ..conf import get_config
from ..ml.kinds import Kind
from ..ml.sequences import REPEAT_WINDOW, SEQUENCE_LENGTH
from ..models import RecommenderVersion
from ..models.hidden_product import ONE_IN
from ..models.recommender_version import best_baseline
from .trying_again import or_try_again

LEADING = "ndcg@10"
# The parts that count where nothing was learned yet; the network says only what words do.
COUNTED = "table", "likeness", "bought_against", "repeat_of_bought", "recent"
# Metrics of a version -> what was asked, as the template tells it.
QUESTIONS = ("repeats_allowed", "new_products")


@dataclass(frozen=True)
class Comparison:
    """The recommender beside the best simple method, NDCG@10."""

    question: str  # one of QUESTIONS
    ours: float
    best: float


@dataclass(frozen=True)
class CurrentVersion:
    """What anybody may know of the version that serves; parts that were not measured are empty."""

    number: int
    published_at: datetime | None
    data: Mapping[str, Any]
    first: datetime | None  # of the interactions it learned from
    last: datetime | None
    by_kind: Mapping[str, int]
    counts: tuple[str, ...]  # the parts of the score that count in it
    comparisons: tuple[Comparison, ...]
    gate: Mapping[str, Any]


@or_try_again
@require_safe
def how(request: HttpRequest) -> HttpResponse:
    """The page. It reads nothing of whoever asks."""
    version = RecommenderVersion.objects.filter(status=RecommenderVersion.Status.PUBLISHED).first()
    context = {
        "version": _told(version) if version else None,
        "reads": {"network": SEQUENCE_LENGTH, "score": REPEAT_WINDOW},
        "config": get_config(),
        "one_in": ONE_IN,
    }
    return render(request, "recommendations/pages/how.html", context)


def _told(version: RecommenderVersion) -> CurrentVersion:
    data = version.data
    by_kind = {Kind(int(kind)).name.lower(): count for kind, count in data.get("by_kind", {}).items() if count}
    return CurrentVersion(
        version.pk,
        version.published_at,
        data,
        _time(data.get("first")),
        _time(data.get("last")),
        dict(sorted(by_kind.items(), key=lambda entry: -entry[1])),
        COUNTED if version.is_counted else tuple(_counting(data.get("mix", {}))),
        tuple(_comparisons(version.metrics)),
        version.fidelity.get("gate", {}),
    )


def _counting(mix: Mapping[str, Any]) -> Iterator[str]:
    """Which parts of f have a weight; see ml/ranking.py."""
    weights = mix.get("weights", {})
    table, reads_alike = weights.get("table", 0), weights.get("table_fade", 0) == 1
    repeat, is_against = weights.get("repeat", 0), weights.get("bought", 0) < 0
    parts = {
        "network": weights.get("network", 0),
        "table": 0 if reads_alike else table,
        "table_of_all": table if reads_alike else 0,
        "bought_against": is_against,
        "repeat": 0 if is_against else repeat,
        "repeat_of_bought": repeat if is_against else 0,
        "likeness": weights.get("likeness", 0),
        "recent": mix.get("recent", 0),
    }
    return (name for name, weight in parts.items() if weight)


def _comparisons(metrics: Mapping[str, Mapping[str, Mapping[str, float]]]) -> Iterator[Comparison]:
    for question in QUESTIONS:
        methods = metrics.get(question, {})
        ours, best = methods.get("recommender", {}).get(LEADING), best_baseline(methods, LEADING)
        if ours is not None and best is not None:
            yield Comparison(question, ours, best[1])


def _time(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
