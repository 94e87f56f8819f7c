"""The current version in this process: looked for every few seconds, swapped without a restart."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, timedelta
from threading import Lock
from time import monotonic

from django.utils import timezone

from ..logs import cause, log
from ..models import RecommenderVersion
from .artifacts import open_scorer
from .loaded import LoadedRecommender

# Seconds between two looks at the database.
REFRESH_SECONDS = 3.0
# Seconds until an artifact that could not be loaded is tried again: a storage may come back.
RETRY_SECONDS = 60.0
# A product's row is stamped before its transaction commits: look back this far, so that none is missed.
OVERLAP = timedelta(minutes=1)


class _Current:
    """What this process serves with; one thread at a time looks for news, the others go on with what there is."""

    def __init__(self) -> None:
        self._looking = Lock()
        self._loaded: LoadedRecommender | None = None
        self._looked = timezone.now()  # when the mirror was last read
        self._next_look = 0.0
        self._retry_at: dict[int, float] = {}  # versions that could not be loaded, each logged once

    def get(self) -> LoadedRecommender | None:
        first = self._next_look == 0.0
        if monotonic() >= self._next_look and self._looking.acquire(blocking=first):
            try:
                if monotonic() >= self._next_look:
                    self._look()
            finally:
                self._next_look = monotonic() + REFRESH_SECONDS
                self._looking.release()
        return self._loaded

    def _look(self) -> None:
        version = RecommenderVersion.objects.current()
        if version is None:
            self._loaded = None
        elif self._loaded is not None and self._loaded.version == version.pk:
            self._loaded = self._read_mirror(self._loaded, since=self._looked - OVERLAP)
        elif monotonic() >= self._retry_at.get(version.pk, 0.0):
            self._load(version)

    def _load(self, version: RecommenderVersion) -> None:
        try:
            loaded = LoadedRecommender(version.pk, open_scorer(version))
        except Exception as error:  # the artifact is damaged, or the storage raises what its client raises
            if version.pk not in self._retry_at:
                kept = f"version {self._loaded.version} is" if self._loaded else "popular products are"
                log("version_not_servable", error, version=version.pk, instead=kept)
            self._retry_at[version.pk] = monotonic() + RETRY_SECONDS
            return
        self._loaded = self._read_mirror(loaded, since=None)

    def _read_mirror(self, loaded: LoadedRecommender, since: datetime | None) -> LoadedRecommender:
        now = timezone.now()
        loaded.refresh(since)
        known = loaded.with_newcomers()
        self._looked = now
        return known


_current = _Current()
_on_trial: ContextVar[LoadedRecommender | None] = ContextVar("recommender_on_trial", default=None)


def current_recommender() -> LoadedRecommender | None:
    """The published recommender, loaded once a process and at most REFRESH_SECONDS behind; None when there is none."""
    return _on_trial.get() or _current.get()


def why_not_served() -> str:
    """What keeps this process from serving the published version, for staff; "" when nothing does."""
    version, loaded = RecommenderVersion.objects.current(), current_recommender()
    if version is None or (loaded is not None and loaded.version == version.pk):
        return ""
    try:
        open_scorer(version)
    except Exception as error:  # also what the storage's client raises
        return f"Version {version.pk} is published and can't be served: {cause(error)}"
    return ""


@contextmanager
def on_trial(loaded: LoadedRecommender) -> Iterator[LoadedRecommender]:
    """Inside, this thread's lists come from `loaded`, whatever is published: to look at a version before it serves."""
    token = _on_trial.set(loaded)
    try:
        yield loaded
    finally:
        _on_trial.reset(token)


def forget() -> None:
    """Load anew at the next call: after a fork, and between tests."""
    global _current
    _current = _Current()


os.register_at_fork(after_in_child=forget)
