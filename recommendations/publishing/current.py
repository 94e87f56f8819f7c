"""The current version in this process: looked for every few seconds, swapped without a restart."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from threading import Lock, Thread
from time import monotonic

from django.db import Error as DatabaseFailure
from django.db import connections

from ..logs import cause, log
from ..models import RecommenderVersion
from .artifacts import open_scorer
from .giving_back import give_back_memory
from .loaded import LoadedRecommender

# Seconds between two looks at the database.
REFRESH_SECONDS = 3.0
# Seconds until an artifact that could not be loaded is tried again: a storage may come back.
RETRY_SECONDS = 60.0
# Seconds. A product's row is stamped before its transaction commits: look back this far, so that none is missed.
OVERLAP = 60.0


@dataclass(frozen=True)
class _Read:
    """A version in memory, and when the mirror was read for it."""

    loaded: LoadedRecommender
    looked: float  # monotonic seconds

    @classmethod
    def of(cls, version: RecommenderVersion) -> "_Read":
        read = cls.again(LoadedRecommender(version.pk, open_scorer(version)), seconds=None)
        give_back_memory()
        return read

    @classmethod
    def again(cls, loaded: LoadedRecommender, seconds: float | None) -> "_Read":
        """The same with what changed in the mirror in the last `seconds`."""
        now = monotonic()
        loaded.refresh(seconds)
        return cls(loaded.with_newcomers(), now)


class _Beside:
    """A version that is being loaded while another one serves."""

    def __init__(self, version: RecommenderVersion) -> None:
        self.version = version
        self.is_done = False
        self._read: _Read | None = None
        self._error: Exception | None = None

    def load(self) -> None:
        """Never raises: result() does."""
        try:
            self._read = _Read.of(self.version)
            self._read.loaded.scorer.warm_up()
        except Exception as error:  # raised again where it is logged
            self._error = error
        finally:
            self.is_done = True

    def result(self) -> _Read:
        """What was loaded; raises what loading raised."""
        if self._read is None or self._error is not None:
            raise self._error or RuntimeError("nothing was loaded")
        return self._read


def start(work: Callable[[], None]) -> None:
    """Do the work in a thread of its own, with database connections of its own."""

    def apart() -> None:
        try:
            work()
        finally:
            connections.close_all()

    Thread(target=apart, name="recommender", daemon=True).start()


class _Current:
    """What this process serves with; one thread at a time looks for news, the others go on with what there is.

    While a version serves, another one is loaded beside the requests, one at a time.
    """

    def __init__(self) -> None:
        self._looking = Lock()
        self._loaded: LoadedRecommender | None = None
        self._beside: _Beside | None = None
        self._looked = monotonic()  # when the mirror was last read
        self._next_look = 0.0
        self._retry_at: dict[int, float] = {}  # versions that could not be loaded, each logged once

    def get(self) -> LoadedRecommender | None:
        first = self._next_look == 0.0
        if self._is_due() and self._looking.acquire(blocking=first):
            try:
                if self._is_due():
                    self._look()
            finally:
                self._next_look = monotonic() + REFRESH_SECONDS
                self._looking.release()
        return self._loaded

    def _is_due(self) -> bool:
        beside = self._beside
        return monotonic() >= self._next_look or (beside is not None and beside.is_done)

    def _look(self) -> None:
        version, before = RecommenderVersion.objects.current(), self._loaded
        self._turn_to(version)
        # Whatever serves on learns what is sold out and what is new, also while the newest version can't be read.
        if self._loaded is not None and self._loaded is before:
            self._take(_Read.again(before, seconds=monotonic() - self._looked + OVERLAP))

    def _turn_to(self, version: RecommenderVersion | None) -> None:
        """Serve this version, as far as it can be read; nothing where none is published."""
        done = self._beside if self._beside is not None and self._beside.is_done else None
        if done is not None:
            self._beside = None
        if version is None:
            self._loaded = None
        elif self._loaded is not None and self._loaded.version == version.pk:
            return
        elif done is not None and done.version.pk == version.pk:
            self._try(version, done.result)
        elif monotonic() >= self._retry_at.get(version.pk, 0.0):
            self._load(version)

    def _load(self, version: RecommenderVersion) -> None:
        """At once where nothing serves, else beside; never two at once."""
        if self._beside is not None:
            return
        if self._loaded is None:
            self._try(version, lambda: _Read.of(version))
            return
        beside = _Beside(version)
        start(beside.load)
        if beside.is_done:
            self._try(version, beside.result)
        else:
            self._beside = beside

    def _try(self, version: RecommenderVersion, load: Callable[[], _Read]) -> None:
        try:
            read = load()
        except Exception as error:  # the artifact is damaged, or the storage raises what its client raises
            if self._loaded is None and isinstance(error, DatabaseFailure):
                raise
            if version.pk not in self._retry_at:
                kept = f"version {self._loaded.version} is" if self._loaded else "popular products are"
                log("version_not_servable", error, version=version.pk, instead=kept)
            self._retry_at[version.pk] = monotonic() + RETRY_SECONDS
            return
        self._take(read)

    def _take(self, read: _Read) -> None:
        self._loaded, self._looked = read.loaded, read.looked


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
