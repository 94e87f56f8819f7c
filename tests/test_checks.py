"""manage.py check: each thing that a shop may have forgotten, with the lines to add."""

import re
import warnings

import pytest
from django.contrib.sessions.models import Session
from django.core.checks import ERROR, Error, Warning, run_checks
from django.db.models import CharField, Model, Q, UniqueConstraint
from django.test import override_settings
from django.test.utils import isolate_apps

from recommendations import checks
from recommendations.catalog import registry
from recommendations.checks import check_configuration
from recommendations.exceptions import NotConfigured
from recommendations.ml.training_settings import RANGES
from recommendations.publishing.artifacts import get_storage
from tests.settings import MIDDLEWARE, TEMPLATES
from tests.shop.models import Book
from tests.shop.recommended_products import BookCatalog

SETTINGS_HINT = "Correct RECOMMENDATIONS in settings.py."
KEYS = sorted(
    [
        "COOKIE_DAYS",
        "COOKIE_NAME",
        "HAS_CONSENT",
        "HIDE_DAYS",
        "LEARN_FROM_VISITORS",
        "LEASE_SECONDS",
        "METRICS",
        "RETENTION_DAYS",
        "SENSITIVE_CATEGORIES",
        "STORAGE",
        "STRICT",
        "TRAINING",
    ]
)
KNOBS = sorted(RANGES)


def test_a_complete_project_has_nothing_to_mend():
    assert check_configuration() == []


def test_the_check_is_registered():
    with override_settings(MIDDLEWARE=[]):
        assert "recommendations.W002" in {message.id for message in run_checks(tags=["recommendations"])}


def test_the_middleware_is_missing():
    shorter = [name for name in MIDDLEWARE if name != checks.MIDDLEWARE]
    with override_settings(MIDDLEWARE=shorter):
        assert check_configuration() == [
            Warning(
                "recommendations.middleware.RecommendationsMiddleware is not installed.",
                hint='Add "recommendations.middleware.RecommendationsMiddleware" to MIDDLEWARE, after the session and '
                "authentication middleware: it keeps caches from showing one shopper's list to another.",
                id="recommendations.W002",
            )
        ]


def test_no_catalog_is_declared(monkeypatch):
    monkeypatch.setattr(registry, "_catalogs", {})
    (message,) = check_configuration()
    assert message == Error("No product model is declared.", hint=checks.CATALOG_HINT, id="recommendations.E003")


def test_the_hint_of_a_missing_catalog_works_as_it_is(monkeypatch):
    """The lines can be pasted: they run, with the shop's Product in place of the import."""
    monkeypatch.setattr(registry, "_catalogs", {})
    lines = checks.CATALOG_HINT.splitlines()[1:]
    code = "\n".join(line.removeprefix("    ") for line in lines if "from .models" not in line)
    exec(code, {"Product": Book})
    [catalog] = registry.get_catalogs()
    book = Book(pk=7, name="Seven")
    assert catalog.title(book) == "Seven"
    assert catalog.card(book, None).url == "/books/7/"


def test_models_share_a_prefix(monkeypatch):
    catalogs = {Session: type("SessionCatalog", (BookCatalog,), {})(Session), Book: BookCatalog(Book)}
    monkeypatch.setattr(registry, "_catalogs", catalogs)
    (message,) = check_configuration()
    assert (message.id, message.level) == ("recommendations.E006", ERROR)
    assert message.msg.endswith(': add prefix = "book" (or another word) to BookCatalog.')


@pytest.mark.parametrize("key", ["name", "sku"])
def test_a_key_that_is_no_unique_field(monkeypatch, key):
    monkeypatch.setattr(registry, "_catalogs", {Book: type("BookCatalog", (BookCatalog,), {"key": key})(Book)})
    assert check_configuration() == [
        Error(
            f"BookCatalog.key is '{key}': expected a unique field of Book.",
            hint='Give the field unique=True, or write key = "pk" in BookCatalog.',
            id="recommendations.E007",
        )
    ]


@isolate_apps("tests.shop")
def test_a_key_that_a_constraint_makes_unique(monkeypatch):
    unique = UniqueConstraint(fields=["code"], name="one_code")
    both = UniqueConstraint(fields=["code", "sort"], name="one_of_a_sort")
    some = UniqueConstraint(fields=["code"], name="one_of_some", condition=Q(sort="x"))

    def found(*constraints):
        meta = type("Meta", (), {"app_label": "shop", "constraints": constraints})
        fields = {"code": CharField(max_length=9), "sort": CharField(max_length=9)}
        model = type("Tin", (Model,), {"__module__": "tests.shop.models", "Meta": meta, **fields})
        monkeypatch.setattr(registry, "_catalogs", {model: type("Tins", (BookCatalog,), {"key": "code"})(model)})
        return [message.id for message in check_configuration()]

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Django's, that the model is made again
        assert (found(unique), found(both), found(some)) == ([], ["recommendations.E007"], ["recommendations.E007"])


def test_the_urls_are_not_included():
    with override_settings(ROOT_URLCONF="tests.shop.models"):
        from tests.shop import models

        models.urlpatterns = []
        try:
            assert check_configuration() == [
                Warning(
                    'The app\'s URLs are not included: nothing is recorded in browsers and "Why this?" leads nowhere.',
                    hint='Add to the root URLconf: path("recommendations/", include("recommendations.urls")),',
                    id="recommendations.W001",
                )
            ]
        finally:
            del models.urlpatterns


def test_templates_lack_the_request():
    options = {"context_processors": ["django.contrib.auth.context_processors.auth"]}
    with override_settings(TEMPLATES=[{**TEMPLATES[0], "OPTIONS": options}]):
        assert check_configuration() == [
            Warning(
                "Templates do not get the request, which the tags need to know who looks.",
                hint='Add "django.template.context_processors.request" to '
                'TEMPLATES[0]["OPTIONS"]["context_processors"].',
                id="recommendations.W003",
            )
        ]


@pytest.mark.parametrize("engines", [[], [{"BACKEND": "django.template.backends.jinja2.Jinja2"}]])
def test_without_templates_of_djangos_nothing_is_missing_in_them(engines):
    with override_settings(TEMPLATES=engines):
        assert check_configuration() == []


def test_a_database_that_nobody_tests(monkeypatch):
    monkeypatch.setattr(checks, "SUPPORTED", ())
    (message,) = check_configuration()
    assert message.id == "recommendations.W004"
    assert message.msg.startswith("DATABASES['default'] is ")
    assert message.msg.endswith("expected PostgreSQL or SQLite, on which the app is tested.")


def test_artifacts_have_no_place():
    storages = {
        "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    with override_settings(STORAGES=storages, BASE_DIR=None):
        (message,) = check_configuration()
    assert message.id == "recommendations.E004"
    assert message.msg.startswith("No place for artifacts: Add STORAGES['recommendations'] = ")


NOT_INSTALLED = {"BACKEND": "storages.backends.nowhere.Bucket"}
WRONG_OPTIONS = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"bucket": "shop"}}


@pytest.mark.parametrize(
    ("alias", "storages", "problem"),
    [
        (
            "buckett",
            {},
            "No place for artifacts: RECOMMENDATIONS['STORAGE'] is 'buckett', which is not in STORAGES. Add ",
        ),
        (
            "buckett",
            {"buckett": NOT_INSTALLED},
            "STORAGES['buckett'] can't be used for artifacts: Could not find backend",
        ),
        (
            "recommendations",
            {"recommendations": NOT_INSTALLED},
            "STORAGES['recommendations'] can't be used for artifacts: Could not find backend",
        ),
        (
            "recommendations",
            {"recommendations": WRONG_OPTIONS},
            "STORAGES['recommendations'] can't be used for artifacts: FileSystemStorage.__init__() got an unexpected",
        ),
    ],
)
def test_a_storage_that_is_named_is_never_replaced_by_a_folder(settings, tmp_path, alias, storages, problem):
    settings.STORAGES = {**settings.STORAGES, **storages}
    settings.BASE_DIR, settings.RECOMMENDATIONS = tmp_path, {"STORAGE": alias}
    (message,) = check_configuration()
    assert (message.id, message.level) == ("recommendations.E004", ERROR)
    assert message.msg.startswith(problem)
    assert message.hint.startswith("Any of Django's storages will do")
    with pytest.raises(NotConfigured, match=re.escape(problem)):
        get_storage()


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"COOKIE_DAY": 3}, f"RECOMMENDATIONS has an unknown key 'COOKIE_DAY': expected some of {KEYS}."),
        ({"COOKIE_DAYS": "365"}, "RECOMMENDATIONS['COOKIE_DAYS'] is '365': expected a whole number from 1."),
        ({"LEASE_SECONDS": 0}, "RECOMMENDATIONS['LEASE_SECONDS'] is 0: expected a whole number from 1."),
        ({"HIDE_DAYS": True}, "RECOMMENDATIONS['HIDE_DAYS'] is True: expected a whole number from 1."),
        ({"LEARN_FROM_VISITORS": 1}, "RECOMMENDATIONS['LEARN_FROM_VISITORS'] is 1: expected True, False or None."),
        ({"STRICT": 1}, "RECOMMENDATIONS['STRICT'] is 1: expected a bool."),
        ({"STORAGE": None}, "RECOMMENDATIONS['STORAGE'] is None: expected a str."),
        ({"TRAINING": []}, "RECOMMENDATIONS['TRAINING'] is []: expected a dict."),
        (
            {"TRAINING": {"step": 3}},
            f"RECOMMENDATIONS['TRAINING'] has an unknown key 'step': expected some of {KNOBS}.",
        ),
        (
            {"TRAINING": {"steps": "30"}},
            "RECOMMENDATIONS['TRAINING']['steps'] is '30': expected a whole number from 1 or None.",
        ),
        (
            {"TRAINING": {"held_out": 10}},
            "RECOMMENDATIONS['TRAINING']['held_out'] is 10: expected a share between 0 and 1.",
        ),
        (
            {"SENSITIVE_CATEGORIES": "Medicine"},
            "RECOMMENDATIONS['SENSITIVE_CATEGORIES'] is 'Medicine': expected a list of texts.",
        ),
        ("on", "RECOMMENDATIONS is 'on': expected a dict."),
    ],
)
def test_a_setting_is_wrong(given, text):
    with override_settings(RECOMMENDATIONS=given):
        found = check_configuration()
    assert found == [Error(text, hint=SETTINGS_HINT, id="recommendations.E001")]


@pytest.mark.parametrize("learns", [True, False, None])
def test_whom_to_learn_from_may_be_left_open(learns):
    with override_settings(RECOMMENDATIONS={"LEARN_FROM_VISITORS": learns}):
        assert check_configuration() == []


def test_every_wrong_setting_is_told():
    with override_settings(RECOMMENDATIONS={"COOKIE_DAYS": -1, "COOKIE": 1}):
        assert [message.id for message in check_configuration()] == ["recommendations.E001"] * 2


def test_right_settings_pass():
    given = {"HAS_CONSENT": "tests.test_checks.agrees", "SENSITIVE_CATEGORIES": ["Medicine"], "COOKIE_DAYS": 30}
    with override_settings(RECOMMENDATIONS=given):
        assert check_configuration() == []


def agrees(request):
    return True


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("shop.nowhere.asks", "it can't be imported (No module named 'shop.nowhere')"),
        ("tests.test_checks.asks", 'it can\'t be imported (Module "tests.test_checks" does not define'),
        ("tests.test_checks.KEYS", "it can't be called"),
        (".x", "it can't be imported (Empty module name)"),
        ("..x", "it can't be imported (the 'package' argument is required"),
    ],
)
def test_consent_is_asked_of_nobody(path, problem):
    with override_settings(RECOMMENDATIONS={"HAS_CONSENT": path}):
        (message,) = check_configuration()
    assert message.id == "recommendations.E002"
    assert message.msg.startswith(f"RECOMMENDATIONS['HAS_CONSENT'] is {path!r}, but {problem.split(' (')[0]}")
    assert message.hint.startswith("Name a function of yours that takes a request and returns a bool")


def test_the_middleware_stands_before_the_login():
    moved = [checks.MIDDLEWARE, *(name for name in MIDDLEWARE if name != checks.MIDDLEWARE)]
    with override_settings(MIDDLEWARE=moved):
        (message,) = check_configuration()
    assert message == Warning(
        "recommendations.middleware.RecommendationsMiddleware stands too early.",
        hint=checks.MIDDLEWARE_HINT,
        id="recommendations.W002",
    )


def test_a_catalog_lacks_what_every_catalog_needs(monkeypatch):
    from recommendations.catalog import Catalog
    from tests.shop.models import Book

    class Empty(Catalog):
        pass

    monkeypatch.setattr(registry, "_catalogs", {Book: Empty(Book)})
    assert check_configuration() == [
        Error(f"tests.test_checks.Empty has no {name}().", hint=hint, id="recommendations.E005")
        for name, hint in checks.METHOD_HINTS.items()
    ]
