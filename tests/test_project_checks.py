"""manage.py check: what the project around the app gets wrong, as whole messages."""

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from celery import current_app
from django.core.checks import Error, Warning, run_checks
from django.core.files.storage import Storage
from django.db.backends.sqlite3.base import DatabaseWrapper

from recommendations import checks, project_checks
from recommendations.checks import check_configuration, check_deployment

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def cache_of_all_processes(settings):
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache"}}


@pytest.fixture
def celery_has(monkeypatch):
    """celery_has(name=value): the project's Celery app is configured so."""

    def configure(**conf):
        conf = {"broker_url": None, "broker_transport_options": {}, "beat_schedule": {}, **conf}
        monkeypatch.setattr(project_checks, "current_app", SimpleNamespace(conf=SimpleNamespace(**conf)))

    return configure


def test_figures_without_their_library(settings, monkeypatch):
    monkeypatch.setattr(project_checks, "find_spec", lambda name: None)
    settings.RECOMMENDATIONS = {"METRICS": True}
    assert check_configuration() == [
        Error(
            'RECOMMENDATIONS["METRICS"] needs prometheus_client: pip install "django-because[metrics]".',
            hint='Install it, or take "METRICS" out of RECOMMENDATIONS.',
            id="recommendations.E008",
        )
    ]


@pytest.mark.parametrize("name", ["missing", "file"])
def test_figures_of_several_processes_without_their_folder(settings, monkeypatch, tmp_path, name):
    (tmp_path / "file").touch()
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path / name))
    assert check_configuration() == []  # they are off
    settings.RECOMMENDATIONS = {"METRICS": True}
    assert check_configuration() == [
        Error(
            f"PROMETHEUS_MULTIPROC_DIR is {str(tmp_path / name)!r}: expected a folder that exists and that this "
            "process may write to. Nothing is counted.",
            hint="Create the folder, empty, before the processes start, or unset the variable: then each process "
            "counts alone.",
            id="recommendations.E008",
        )
    ]
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    assert check_configuration() == []


def test_figures_of_which_each_process_has_its_own(settings, celery_has, monkeypatch, tmp_path):
    celery_has()
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)
    assert check_deployment() == []  # they are off
    settings.RECOMMENDATIONS = {"METRICS": True}
    assert check_configuration() == []  # no harm where a developer's one process runs
    assert check_deployment() == [
        Warning(
            'RECOMMENDATIONS["METRICS"] is on without PROMETHEUS_MULTIPROC_DIR: each process counts alone, and '
            "GET metrics/ tells of whichever answers it.",
            hint="Set the environment variable PROMETHEUS_MULTIPROC_DIR to a folder that is emptied before the web "
            "processes start (docs/deploying.md); where there is one process, silence this.",
            id="recommendations.W013",
        )
    ]
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    assert check_deployment() == []
    settings.RECOMMENDATIONS = {"MERTICS": True}
    assert check_deployment() == []  # E001 says it


def test_times_without_an_offset(settings):
    settings.USE_TZ = False
    assert check_configuration() == [
        Error(
            "USE_TZ is False: what shoppers do is stored with the time and its offset.",
            hint="Set USE_TZ = True in settings.py.",
            id="recommendations.E009",
        )
    ]


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("sessionid", "that is SESSION_COOKIE_NAME"),
        ("csrftoken", "that is CSRF_COOKIE_NAME"),
        ("recommendations_off", "that is the cookie of whoever switched personalisation off"),
        ("my cookie", "no cookie can be called so"),
        ("", "no cookie can be called so"),
    ],
)
def test_the_cookie_of_somebody_else(settings, name, problem):
    settings.RECOMMENDATIONS = {"COOKIE_NAME": name}
    assert check_configuration() == [
        Error(
            f"RECOMMENDATIONS['COOKIE_NAME'] is {name!r}: {problem}.",
            hint='Choose another name, or take "COOKIE_NAME" out of RECOMMENDATIONS.',
            id="recommendations.E010",
        )
    ]


@pytest.mark.parametrize(("options", "seconds"), [({}, 3600), ({"visibility_timeout": 60}, 60), (None, 3600)])
def test_redis_delivers_a_training_twice(celery_has, options, seconds):
    celery_has(broker_url="redis://127.0.0.1:6379/0", broker_transport_options=options)
    assert check_deployment() == [
        Warning(
            f"The Redis broker delivers a training again that takes longer than {seconds} seconds.",
            hint='Set CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 4 * 3600}, or more than your longest '
            "training takes. A second delivery does no harm, but a worker looks at it for nothing.",
            id="recommendations.W005",
        )
    ]


def test_of_several_brokers_one_is_redis(celery_has):
    celery_has(broker_url=["amqp://one", "redis://two"], broker_transport_options={"visibility_timeout": "60"})
    [found] = check_deployment()
    assert (found.id, "60 seconds" in found.msg) == ("recommendations.W005", True)


@pytest.mark.parametrize("named", ["4h", None, float("inf")])
def test_how_long_redis_waits_is_no_number(celery_has, named):
    celery_has(broker_url="redis://127.0.0.1:6379/0", broker_transport_options={"visibility_timeout": named})
    [found] = check_deployment()
    assert found.id == "recommendations.W005"
    assert found.msg == f"The visibility_timeout of the Redis broker is {named!r}: expected a whole number of seconds."
    celery_has(broker_url="amqp://127.0.0.1", broker_transport_options={"visibility_timeout": named})
    assert check_deployment() == []


@pytest.mark.parametrize("url", ["redis://127.0.0.1:6379/0", "amqp://127.0.0.1"])
def test_a_broker_that_waits_long_enough(celery_has, url):
    celery_has(broker_url=url, broker_transport_options={"visibility_timeout": 14_400})
    assert check_deployment() == []


@pytest.mark.parametrize(
    ("backend", "id", "problem"),
    [
        ("dummy.DummyCache", "W006", "the dummy cache: nothing that browsers send is throttled."),
        (
            "locmem.LocMemCache",
            "W009",
            "the memory of each process: each of them throttles alone, so together they let through too much.",
        ),
    ],
)
def test_a_cache_in_which_throttles_can_not_count(settings, celery_has, backend, id, problem):
    celery_has()
    settings.CACHES = {"default": {"BACKEND": f"django.core.cache.backends.{backend}"}}
    assert check_deployment() == [
        Warning(
            f"CACHES['default'] is {problem}",
            hint="Use a cache that all processes share, such as Redis or the database's.",
            id=f"recommendations.{id}",
        )
    ]


def test_whose_address_to_believe_is_not_said(settings):
    settings.REST_FRAMEWORK = {"NUM_PROXIES": None}
    (found,) = checks.check_addresses()
    assert found == Warning(
        "REST_FRAMEWORK['NUM_PROXIES'] is None: throttles guess whether a proxy wrote X-Forwarded-For, and whoever "
        "reaches the web server without one from a private network (as through Docker) can invent addresses.",
        hint='Set REST_FRAMEWORK = {"NUM_PROXIES": 0} without a proxy, 1 behind one (nginx), 2 behind two (a CDN, '
        "then nginx); the port of the web server must be open to the nearest of them alone.",
        id="recommendations.W010",
    )
    assert found in run_checks(tags=["recommendations"], include_deployment_checks=True)


@pytest.mark.parametrize("proxies", [0, 1, 2])
def test_whose_address_to_believe_is_said(settings, proxies):
    settings.REST_FRAMEWORK = {"NUM_PROXIES": proxies}
    assert checks.check_addresses() == []


@pytest.mark.parametrize("name", ["MEDIA_ROOT", "STATIC_ROOT"])
def test_artifacts_that_everybody_can_download(settings, tmp_path, name):
    location = tmp_path / "files" / "artifacts"
    settings.STORAGES = settings.STORAGES | {
        "recommendations": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": location},
        }
    }
    setattr(settings, name, str(tmp_path / "files"))
    assert check_configuration() == [
        Warning(
            f"Artifacts lie in {location}, within {name}: everybody can download them.",
            hint="Move STORAGES[RECOMMENDATIONS['STORAGE']] to a folder that no web server serves.",
            id="recommendations.W007",
        )
    ]


def test_a_bucket_is_in_no_folder_whatever_its_location(settings, tmp_path, monkeypatch):
    class Bucket(Storage):
        location = "media/recommendations"

    monkeypatch.chdir(tmp_path)
    settings.MEDIA_ROOT = str(tmp_path / "media")
    assert list(project_checks.check_public_folders(Bucket())) == []


@pytest.mark.parametrize(
    ("options", "name", "found"),
    [
        ({}, "shop.sqlite3", ["recommendations.W012"]),
        ({"transaction_mode": "deferred"}, "shop.sqlite3", ["recommendations.W012"]),
        ({"transaction_mode": "IMMEDIATE"}, "shop.sqlite3", []),
        ({}, ":memory:", []),
    ],
)
def test_sqlite_that_does_not_wait_for_who_writes(celery_has, monkeypatch, options, name, found):
    celery_has()
    database = DatabaseWrapper({"NAME": name, "OPTIONS": options}, "default")
    monkeypatch.setattr(project_checks, "connections", {"default": database})
    assert [message.id for message in check_deployment()] == found


def test_beat_sends_what_does_not_exist(celery_has):
    planned = {"nightly": {"task": "recommendations.tasks.retrain"}, "purge": {"task": "recommendations.tasks.purge"}}
    celery_has(beat_schedule=planned)
    assert check_configuration() == [
        Warning(
            "CELERY_BEAT_SCHEDULE['nightly'] sends recommendations.tasks.retrain, which does not exist.",
            hint="Send one of recommendations.tasks.retrain_recommender, recommendations.tasks.sync_catalog, "
            "recommendations.tasks.count_popularity, recommendations.tasks.purge.",
            id="recommendations.W008",
        )
    ]


def test_beat_sends_a_task_of_ours_by_another_name(celery_has):
    celery_has(
        beat_schedule={
            "short": {"task": "recommendations.retrain_recommender"},
            "entry": SimpleNamespace(task="recommendations.purge"),
            "of the shop": {"task": "recommendations.mails"},
            "nothing": None,
        }
    )
    assert [message.msg for message in check_configuration()] == [
        "CELERY_BEAT_SCHEDULE['short'] sends recommendations.retrain_recommender, which does not exist.",
        "CELERY_BEAT_SCHEDULE['entry'] sends recommendations.purge, which does not exist.",
    ]


def test_every_task_may_be_sent():
    from recommendations import tasks

    ours = {name.removeprefix(project_checks.PREFIX) for name in current_app.tasks if name.startswith(tasks.__name__)}
    assert ours == set(project_checks.TASKS)


def test_the_docs_list_every_message():
    files = checks.__file__, project_checks.__file__, Path(checks.__file__).parent / "contrib/oscar/checks.py"
    source = "".join(Path(file).read_text() for file in files)
    told = re.findall(r"`(recommendations\.[EW]\d{3})`", (ROOT / "docs" / "checks.md").read_text())
    assert told == sorted(set(re.findall(r"recommendations\.[EW]\d{3}", source)))
