"""A shop that nothing learned serves yet is served what can be counted meanwhile (docs/decisions/0021)."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..models import RecommenderVersion
from ..publishing import of_this_release
from .reading import ShopLog, whole_catalog

LEADING = "ndcg@10"

Metrics = Mapping[str, Mapping[str, Mapping[str, float]]]


def is_new_shop() -> bool:
    """Whether nothing that was learned serves: nor could, being of another release."""
    current = RecommenderVersion.objects.current()
    return current is None or current.is_counted or not of_this_release(current)


def write_counted_version(
    read: ShopLog, directory: Path, settings: Any, report: Callable[[float], None]
) -> dict[str, Any] | None:
    """Write what can be counted as an artifact; how its parts are weighed, or None where no product has words.

    It needs torch, as a training does.
    """
    vocabulary, index = whole_catalog(read)
    if len(index.items) == 0:
        return None
    from ..ml.training.counted import write_counted

    return asdict(write_counted(read.log, vocabulary, index, directory, settings, report))


def counted_beats_popular(metrics: Metrics) -> bool:
    """Whether what is counted is better under every question than what is shown without a version."""
    return bool(metrics) and all(
        "counted" in methods and methods["counted"][LEADING] > methods["recent_popularity"][LEADING]
        for methods in metrics.values()
    )


def as_counted(metrics: Metrics) -> dict[str, dict[str, Mapping[str, float]]]:
    """The figures of a training as those of the counted version: "learned" is what was not good enough."""
    found = {}
    for question, methods in metrics.items():
        others = {name: values for name, values in methods.items() if name not in ("recommender", "counted", "network")}
        found[question] = {"recommender": methods["counted"], "learned": methods["recommender"], **others}
    return found
