"""What the project around the app gets wrong: clock, cookies, cache, broker, schedule, monitoring, public folders."""

import os
import re
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path

from celery import current_app
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning
from django.core.files.storage import Storage
from django.db import connections
from rest_framework.settings import api_settings

from .conf import Config
from .metrics import INSTALL, wrong_folder
from .models.shopper import OFF_COOKIE

TASKS = ("retrain_recommender", "sync_catalog", "count_popularity", "purge")
OURS = "recommendations."
PREFIX = f"{OURS}tasks."
LEGAL = re.compile(r"[\w!#$%&'*+.^`|~-]+", re.ASCII)
DUMMY = "django.core.cache.backends.dummy.DummyCache"
LOCMEM = "django.core.cache.backends.locmem.LocMemCache"  # Django's default
# What Celery waits without the setting before it delivers a message again.
REDIS_SECONDS = 3600


def check_metrics(config: Config) -> Iterator[CheckMessage]:
    """Figures can be counted if they are to be."""
    if config.METRICS and find_spec("prometheus_client") is None:
        yield Error(INSTALL, hint='Install it, or take "METRICS" out of RECOMMENDATIONS.', id="recommendations.E008")
    elif config.METRICS and (wrong := wrong_folder()):
        yield Error(
            f"{wrong} Nothing is counted.",
            hint="Create the folder, empty, before the processes start, or unset the variable: then each process "
            "counts alone.",
            id="recommendations.E008",
        )


def check_figures_of_processes(config: Config) -> Iterator[CheckMessage]:
    """What several processes count is one figure."""
    if config.METRICS and not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        yield Warning(
            'RECOMMENDATIONS["METRICS"] is on without PROMETHEUS_MULTIPROC_DIR: each process counts alone, and '
            "GET metrics/ tells of whichever answers it.",
            hint="Set the environment variable PROMETHEUS_MULTIPROC_DIR to a folder that is emptied before the web "
            "processes start (docs/deploying.md); where there is one process, silence this.",
            id="recommendations.W013",
        )


def check_clock() -> Iterator[CheckMessage]:
    """Times have an offset."""
    if not settings.USE_TZ:
        yield Error(
            "USE_TZ is False: what shoppers do is stored with the time and its offset.",
            hint="Set USE_TZ = True in settings.py.",
            id="recommendations.E009",
        )


def check_cookie(config: Config) -> Iterator[CheckMessage]:
    """The visitor's cookie is nobody else's."""
    name = config.COOKIE_NAME
    taken = {
        settings.SESSION_COOKIE_NAME: "SESSION_COOKIE_NAME",
        settings.CSRF_COOKIE_NAME: "CSRF_COOKIE_NAME",
        settings.LANGUAGE_COOKIE_NAME: "LANGUAGE_COOKIE_NAME",
        OFF_COOKIE: "the cookie of whoever switched personalisation off",
    }
    legal = LEGAL.fullmatch(name) is not None
    if name in taken or not legal:
        problem = f"that is {taken[name]}" if legal else "no cookie can be called so"
        yield Error(
            f"RECOMMENDATIONS['COOKIE_NAME'] is {name!r}: {problem}.",
            hint='Choose another name, or take "COOKIE_NAME" out of RECOMMENDATIONS.',
            id="recommendations.E010",
        )


def check_broker() -> Iterator[CheckMessage]:
    """A training is not delivered a second time while it runs."""
    broker = current_app.conf.broker_url or ""
    urls = broker if isinstance(broker, list | tuple) else [broker]
    if not any(str(url).startswith(("redis", "sentinel")) for url in urls):
        return
    named = (current_app.conf.broker_transport_options or {}).get("visibility_timeout", REDIS_SECONDS)
    try:
        seconds = int(named)  # kombu takes a text, too
    except (TypeError, ValueError, OverflowError):
        problem = f"The visibility_timeout of the Redis broker is {named!r}: expected a whole number of seconds."
    else:
        problem = f"The Redis broker delivers a training again that takes longer than {seconds} seconds."
        if seconds > REDIS_SECONDS:
            return
    yield Warning(
        problem,
        hint='Set CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 4 * 3600}, or more than your longest '
        "training takes. A second delivery does no harm, but a worker looks at it for nothing.",
        id="recommendations.W005",
    )


def check_cache() -> Iterator[CheckMessage]:
    """Throttles count somewhere, and all processes in the same place."""
    backend = settings.CACHES.get("default", {}).get("BACKEND")
    hint = "Use a cache that all processes share, such as Redis or the database's."
    if backend == DUMMY:
        problem = "is the dummy cache: nothing that browsers send is throttled."
        yield Warning(f"CACHES['default'] {problem}", hint=hint, id="recommendations.W006")
    elif backend == LOCMEM:
        problem = "is the memory of each process: each of them throttles alone, so together they let through too much."
        yield Warning(f"CACHES['default'] {problem}", hint=hint, id="recommendations.W009")


def check_sqlite(alias: str) -> Iterator[CheckMessage]:
    """SQLite waits for whoever writes instead of failing at once."""
    database = connections[alias]
    options = database.settings_dict.get("OPTIONS") or {}
    if database.vendor != "sqlite" or database.is_in_memory_db():
        return
    if str(options.get("transaction_mode") or "").upper() not in ("IMMEDIATE", "EXCLUSIVE"):
        yield Warning(
            f"DATABASES[{alias!r}] is SQLite without transaction_mode: a transaction that has read fails with "
            '"database is locked" where web server and worker write at once.',
            hint=f'Set DATABASES[{alias!r}]["OPTIONS"] = {{"transaction_mode": "IMMEDIATE", "timeout": 20}}.',
            id="recommendations.W012",
        )


def check_proxies() -> Iterator[CheckMessage]:
    """The throttles know whom to believe about an address."""
    if api_settings.NUM_PROXIES is None:
        yield Warning(
            "REST_FRAMEWORK['NUM_PROXIES'] is None: throttles guess whether a proxy wrote X-Forwarded-For, and whoever "
            "reaches the web server without one from a private network (as through Docker) can invent addresses.",
            hint='Set REST_FRAMEWORK = {"NUM_PROXIES": 0} without a proxy, 1 behind one (nginx), 2 behind two (a CDN, '
            "then nginx); the port of the web server must be open to the nearest of them alone.",
            id="recommendations.W010",
        )


def check_public_folders(storage: Storage) -> Iterator[CheckMessage]:
    """Nobody can download artifacts."""
    try:
        location = storage.path("")
    except NotImplementedError:  # a bucket: its `location` is none of this machine's
        return
    for name in ("MEDIA_ROOT", "STATIC_ROOT"):
        root = getattr(settings, name, None)
        if root and Path(location).resolve().is_relative_to(Path(root).resolve()):
            yield Warning(
                f"Artifacts lie in {location}, within {name}: everybody can download them.",
                hint="Move STORAGES[RECOMMENDATIONS['STORAGE']] to a folder that no web server serves.",
                id="recommendations.W007",
            )


def check_schedule() -> Iterator[CheckMessage]:
    """What beat sends exists."""
    for entry, planned in (current_app.conf.beat_schedule or {}).items():
        task = str(planned.get("task", "") if isinstance(planned, Mapping) else getattr(planned, "task", ""))
        meant = task.startswith(PREFIX) or task in {f"{OURS}{name}" for name in TASKS}
        if meant and task.removeprefix(PREFIX) not in TASKS:
            yield Warning(
                f"CELERY_BEAT_SCHEDULE[{entry!r}] sends {task}, which does not exist.",
                hint=f"Send one of {', '.join(PREFIX + name for name in TASKS)}.",
                id="recommendations.W008",
            )
