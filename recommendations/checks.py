"""What `manage.py check` finds before a shopper does."""

from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.checks import CheckMessage, Error, Warning, register
from django.db import connections, router
from django.db.models import Model
from django.urls import NoReverseMatch, reverse
from django.utils.module_loading import import_string

from . import project_checks
from .catalog import Catalog, registered, wrong_prefixes
from .conf import Config, get_config
from .exceptions import NotConfigured
from .ml.training_settings import wrong_settings
from .models import Interaction
from .publishing.artifacts import get_storage

MIDDLEWARE = "recommendations.middleware.RecommendationsMiddleware"
AUTHENTICATION = "django.contrib.auth.middleware.AuthenticationMiddleware"
REQUEST = "django.template.context_processors.request"
DJANGO_TEMPLATES = "django.template.backends.django.DjangoTemplates"
SUPPORTED = ("postgresql", "sqlite")

CATALOG_HINT = """Write recommended_products.py in the app of your product model:
    from recommendations.catalog import Card, Catalog, register
    from .models import Product

    @register(Product)
    class ProductCatalog(Catalog):
        def title(self, product):
            return product.name

        def is_available(self, product):
            return product.stock > 0

        def card(self, product, request):
            return Card(self.product_id(product), product.name, product.get_absolute_url())"""
METHOD_HINTS = {
    "title": "Add to it: def title(self, product): return product.name",
    "card": "Add to it: def card(self, product, request): "
    "return Card(self.product_id(product), product.name, product.get_absolute_url())",
}
URLS_HINT = 'Add to the root URLconf: path("recommendations/", include("recommendations.urls")),'
MIDDLEWARE_HINT = (
    f'Add "{MIDDLEWARE}" to MIDDLEWARE, after the session and authentication middleware: it keeps caches from '
    "showing one shopper's list to another."
)


@register("recommendations")
def check_configuration(app_configs: Sequence[AppConfig] | None = None, **_: Any) -> list[CheckMessage]:
    """Everything that can be seen without asking the database."""
    found = [*_settings(), *_catalog(), *_urls(), *_middleware(), *_request_in_templates(), *_database()]
    found += [*project_checks.check_clock(), *project_checks.check_schedule()]
    if any(message.id == "recommendations.E001" for message in found):
        return found
    config = get_config()
    return [*found, *project_checks.check_metrics(config), *project_checks.check_cookie(config), *_storage()]


@register("recommendations", deploy=True)
def check_deployment(app_configs: Sequence[AppConfig] | None = None, **_: Any) -> list[CheckMessage]:
    """What matters on the shop's servers only: `manage.py check --deploy`."""
    sqlite = project_checks.check_sqlite(router.db_for_write(Interaction))
    found = [*project_checks.check_broker(), *project_checks.check_cache(), *sqlite]
    wrong_settings = any(message.id == "recommendations.E001" for message in _settings())
    return found if wrong_settings else [*found, *project_checks.check_figures_of_processes(get_config())]


@register("recommendations", deploy=True)
def check_addresses(app_configs: Sequence[AppConfig] | None = None, **_: Any) -> list[CheckMessage]:
    """Whose requests the throttles count: `manage.py check --deploy`."""
    return list(project_checks.check_proxies())


def _settings() -> Iterator[CheckMessage]:
    given = getattr(settings, "RECOMMENDATIONS", {})
    if not isinstance(given, dict):
        yield _wrong_settings(f"RECOMMENDATIONS is {given!r}: expected a dict.")
        return
    defaults = Config()
    known = {field.name: getattr(defaults, field.name) for field in fields(Config)}
    for name, value in given.items():
        if name not in known:
            yield _wrong_settings(f"RECOMMENDATIONS has an unknown key {name!r}: expected some of {sorted(known)}.")
        elif problem := _problem(value, known[name]):
            yield _wrong_settings(f"RECOMMENDATIONS[{name!r}] is {value!r}: expected {problem}.")
    training = given.get("TRAINING", {})
    for what in wrong_settings(training) if isinstance(training, dict) else ():
        yield _wrong_settings(f"RECOMMENDATIONS['TRAINING']{what}")
    path = given.get("HAS_CONSENT", "")
    if path and isinstance(path, str):
        yield from _consent(path)


def _wrong_settings(message: str) -> CheckMessage:
    return Error(message, hint="Correct RECOMMENDATIONS in settings.py.", id="recommendations.E001")


def _problem(value: object, default: object) -> str:
    """What was expected in place of the value; "" when it will do."""
    if default is None:
        return "" if value is None or isinstance(value, bool) else "True, False or None"
    if isinstance(default, tuple):
        wanted = isinstance(value, list | tuple | set | frozenset) and all(isinstance(part, str) for part in value)
        return "" if wanted else "a list of texts"
    if isinstance(default, bool) or not isinstance(default, int):
        return "" if isinstance(value, type(default)) else f"a {type(default).__name__}"
    return "" if isinstance(value, int) and not isinstance(value, bool) and value > 0 else "a whole number from 1"


def _consent(path: str) -> Iterator[CheckMessage]:
    try:
        function = import_string(path)
    except Exception as error:  # whatever the module raises, or the path, as of one that begins with a point
        problem = f"it can't be imported ({error})"
    else:
        if callable(function):
            return
        problem = "it can't be called"
    yield Error(
        f"RECOMMENDATIONS['HAS_CONSENT'] is {path!r}, but {problem}.",
        hint='Name a function of yours that takes a request and returns a bool, as in "shop.privacy.has_consent".',
        id="recommendations.E002",
    )


def _catalog() -> Iterator[CheckMessage]:
    if not registered():
        yield Error("No product model is declared.", hint=CATALOG_HINT, id="recommendations.E003")
    for catalog in registered().values():
        for name in ("title", "card"):
            if getattr(type(catalog), name) is getattr(Catalog, name):
                mine = f"{type(catalog).__module__}.{type(catalog).__name__}"
                yield Error(f"{mine} has no {name}().", hint=METHOD_HINTS[name], id="recommendations.E005")
    yield from _prefixes()
    yield from _keys()


def _keys() -> Iterator[CheckMessage]:
    for model, catalog in registered().items():
        if catalog.key != "pk" and catalog.key not in _unique_fields(model):
            mine, table = type(catalog).__name__, model.__name__
            yield Error(
                f"{mine}.key is {catalog.key!r}: expected a unique field of {table}.",
                hint=f'Give the field unique=True, or write key = "pk" in {mine}.',
                id="recommendations.E007",
            )


def _unique_fields(model: type[Model]) -> set[str]:
    """Names of the fields of which no two products have the same value, as in_bulk() sees it."""
    alone = {field.name for field in model._meta.get_fields() if getattr(field, "unique", False)}
    constraints = model._meta.total_unique_constraints
    return alone | {constraint.fields[0] for constraint in constraints if len(constraint.fields) == 1}


def _prefixes() -> Iterator[CheckMessage]:
    for problem in wrong_prefixes():
        hint = "A prefix tells the ids of several models apart; the one that was there first keeps its ids without."
        yield Error(problem, hint=hint, id="recommendations.E006")


def _urls() -> Iterator[CheckMessage]:
    try:
        reverse("recommendations:why")
    except NoReverseMatch:
        yield Warning(
            'The app\'s URLs are not included: nothing is recorded in browsers and "Why this?" leads nowhere.',
            hint=URLS_HINT,
            id="recommendations.W001",
        )


def _middleware() -> Iterator[CheckMessage]:
    installed = list(settings.MIDDLEWARE)
    if MIDDLEWARE not in installed:
        yield Warning(f"{MIDDLEWARE} is not installed.", hint=MIDDLEWARE_HINT, id="recommendations.W002")
    elif AUTHENTICATION in installed and installed.index(MIDDLEWARE) < installed.index(AUTHENTICATION):
        yield Warning(f"{MIDDLEWARE} stands too early.", hint=MIDDLEWARE_HINT, id="recommendations.W002")


def _request_in_templates() -> Iterator[CheckMessage]:
    engines = [engine for engine in settings.TEMPLATES if engine.get("BACKEND") == DJANGO_TEMPLATES]
    if not engines or any(REQUEST in engine.get("OPTIONS", {}).get("context_processors", ()) for engine in engines):
        return
    yield Warning(
        "Templates do not get the request, which the tags need to know who looks.",
        hint=f'Add "{REQUEST}" to TEMPLATES[0]["OPTIONS"]["context_processors"].',
        id="recommendations.W003",
    )


def _database() -> Iterator[CheckMessage]:
    alias = router.db_for_write(Interaction)
    vendor = connections[alias].vendor
    if vendor not in SUPPORTED:
        yield Warning(
            f"DATABASES[{alias!r}] is {vendor}: expected PostgreSQL or SQLite, on which the app is tested.",
            hint="Send the app's tables, and with them the users', to one of these with a database router.",
            id="recommendations.W004",
        )
    users = router.db_for_write(get_user_model())
    if users != alias:
        yield Error(
            f"The router sends the app's tables to DATABASES[{alias!r}], the users to {users!r}: "
            "shoppers refer to users, and no database knows another one's rows.",
            hint="Send both to the same database; the shop's products may be in another.",
            id="recommendations.E011",
        )


def _storage() -> Iterator[CheckMessage]:
    try:
        storage = get_storage()
    except NotConfigured as error:
        hint = "Any of Django's storages will do; artifacts must not lie where the public can read them."
        yield Error(str(error), hint=hint, id="recommendations.E004")
    else:
        yield from project_checks.check_public_folders(storage)
