"""Figures for Prometheus: counted where prometheus_client is installed and RECOMMENDATIONS["METRICS"] is on.

Each function here costs one look at the settings where they are off. No label holds anything of a shopper. What counts
never raises: it is called from within the shop's transactions, and where an error was caught already.
"""

import os
from collections.abc import Callable
from functools import wraps
from threading import RLock
from types import SimpleNamespace
from typing import ParamSpec

from .conf import get_config
from .exceptions import NotConfigured
from .logs import log

P = ParamSpec("P")

INSTALL = 'RECOMMENDATIONS["METRICS"] needs prometheus_client: pip install "django-because[metrics]".'
SECONDS = (0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)
_said = False  # that figures can't be counted, once a process
_making = RLock()
_kept: tuple[SimpleNamespace | None] | None = None  # the metrics, once they were made


def _harmless(count: Callable[P, None]) -> Callable[P, None]:
    """Decorate what counts: what can't be counted (the processes' folder is gone, the disk is full) is left out."""

    @wraps(count)
    def counted(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            count(*args, **kwargs)
        except Exception as error:
            _say_once(error)

    return counted


def _say_once(error: Exception) -> None:
    global _said
    if not _said:
        _said = True
        log("figures_not_counted", error)


def wrong_folder() -> str:
    """What is wrong with the folder that processes share figures in; "" when nothing is, or there is none."""
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if not folder or (os.path.isdir(folder) and os.access(folder, os.W_OK | os.X_OK)):
        return ""
    return f"PROMETHEUS_MULTIPROC_DIR is {folder!r}: expected a folder that exists and that this process may write to."


@_harmless
def list_served(placement: str, seconds: float, sources: list[str], tiers: list[str]) -> None:
    """A list was made: how long it took, where its products come from, what is said of them."""
    if (figures := _figures()) is None:
        return
    figures.seconds.labels(placement).observe(seconds)
    for source in sources:
        figures.recommendations.labels(placement, source).inc()
    for tier in tiers:
        figures.reasons.labels(tier).inc()


@_harmless
def fell_back(use_case: str) -> None:
    """An error was caught and a fallback taken."""
    if (figures := _figures()) is not None:
        figures.fallbacks.labels(use_case).inc()


@_harmless
def events_accepted(way: str, count: int) -> None:
    """So many new events are stored; they came by "http" or from the shop's own code ("server")."""
    if count and (figures := _figures()) is not None:
        figures.accepted.labels(way).inc(count)


@_harmless
def events_refused(cause: str, count: int = 1) -> None:
    """So many events are not stored: "invalid", "unavailable" (503), "throttled", "forbidden", "unwanted", "failed"."""
    if count and (figures := _figures()) is not None:
        figures.refused.labels(cause).inc(count)


def is_on() -> bool:
    """Whether anything is counted, and from now on can be; never raises, as nothing does that counts."""
    try:
        return _figures() is not None
    except Exception as error:
        _say_once(error)
        return False


def page(version: int | None, age_seconds: float | None, versions: dict[str, int]) -> tuple[bytes, str]:
    """(text, content type) of all figures of this process or, with PROMETHEUS_MULTIPROC_DIR, of all of them.

    What is asked of the database once a page is given: the current version, how old it is, how many ended how.
    Raises NotConfigured without prometheus_client, and when the folder is not there.
    """
    try:
        import prometheus_client as client
        from prometheus_client.multiprocess import MultiProcessCollector
    except ModuleNotFoundError as error:
        raise NotConfigured(INSTALL) from error
    if wrong := wrong_folder():
        raise NotConfigured(wrong)
    _figures()
    registry: client.CollectorRegistry = client.REGISTRY
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        registry = client.CollectorRegistry()
        MultiProcessCollector(registry)
    asked = _Asked(version, age_seconds, versions)
    now = client.CollectorRegistry()
    now.register(asked)  # type: ignore[arg-type]
    return client.generate_latest(registry) + client.generate_latest(now), client.CONTENT_TYPE_LATEST


class _Asked:
    """What the database was asked for this page; kept in no process, so that several can't disagree."""

    def __init__(self, version: int | None, age_seconds: float | None, versions: dict[str, int]) -> None:
        self.version, self.age, self.versions = version, age_seconds, versions

    def collect(self):  # type: ignore[no-untyped-def]
        from prometheus_client.core import GaugeMetricFamily as Gauge

        yield Gauge("recommendations_current_version", "Version that is published; 0 = none.", self.version or 0)
        if self.age is not None:
            yield Gauge("recommendations_current_version_age_seconds", "Since its training began.", self.age)
        ended = Gauge("recommendations_versions", "Training runs by how they ended.", labels=["status"])
        for status, count in sorted(self.versions.items()):
            ended.add_metric([status], count)
        yield ended


def _figures() -> SimpleNamespace | None:
    return _made() if get_config().METRICS else None


# A fork waits for a thread that is making them: in the child nobody would let go of the lock, and names that are taken
# already can't be taken again.
os.register_at_fork(before=_making.acquire, after_in_parent=_making.release, after_in_child=_making.release)


def _made() -> SimpleNamespace | None:
    """The metrics, made once a process, whichever of its threads comes first: their names are taken then."""
    global _kept
    if _kept is None:
        with _making:
            if _kept is None:
                _kept = (_make(),)
    return _kept[0]


def _make() -> SimpleNamespace | None:
    """None without prometheus_client, which a check reports."""
    try:
        from prometheus_client import Counter, Histogram
    except ModuleNotFoundError:
        return None
    return SimpleNamespace(
        seconds=Histogram("recommendations_list_seconds", "Time to make a list.", ["placement"], buckets=SECONDS),
        recommendations=Counter(
            "recommendations_listed", "Products put into lists, by their source.", ["placement", "source"]
        ),
        reasons=Counter("recommendations_reasons", "Reasons given, by tier (T0 = none).", ["tier"]),
        fallbacks=Counter("recommendations_fallbacks", "Errors caught; the page went on.", ["use_case"]),
        accepted=Counter("recommendations_events_accepted", "New events stored, by the way they came.", ["way"]),
        refused=Counter("recommendations_events_refused", "Events not stored, by cause.", ["cause"]),
    )
