"""The models that a shop declared, and which of them an id belongs to."""

import re
from collections.abc import Callable, Collection, Iterable
from functools import partial
from typing import Any

from django.db import Error as DatabaseFailure
from django.db.models import Model, Q
from django.http import HttpRequest

from ..boundary import never_break
from ..exceptions import NotConfigured
from .cards import Card
from .declaration import SEPARATOR, Catalog, Promotion

_catalogs: dict[type[Model], Catalog] = {}
SOME = 100
PREFIX = re.compile(r"[a-z0-9_-]+")


def register(model: type[Model]) -> Callable[[type[Catalog]], type[Catalog]]:
    """Class decorator: this Catalog is how the app reads `model`; registering a model again replaces its catalog."""

    def decorate(catalog: type[Catalog]) -> type[Catalog]:
        if not hasattr(model, "_meta") or model._meta.abstract:
            raise NotConfigured(f"@register({model!r}) on {catalog.__name__}: expected the class of a model.")
        if not issubclass(catalog, Catalog):
            raise NotConfigured(f"{catalog.__name__} is no Catalog: write class {catalog.__name__}(Catalog).")
        _catalogs[model] = catalog(model)
        return catalog

    return decorate


def registered() -> dict[type[Model], Catalog]:
    """The declared catalogs by model."""
    return dict(_catalogs)


def wrong_prefixes() -> list[str]:
    """What is wrong with the catalogs' prefixes, each with the line to change; empty when ids are unambiguous."""
    problems, taken = [], dict[str, str]()
    for model, catalog in _catalogs.items():
        mine = type(catalog).__name__
        if catalog.prefix and not PREFIX.fullmatch(catalog.prefix):
            problems.append(f"{mine} has the prefix {catalog.prefix!r}: expected letters a-z, digits, - and _ alone.")
        for name in {catalog.prefix, catalog.name}:
            other = taken.setdefault(name, mine)
            if other != mine:
                problems.append(
                    f"{mine} and {other} both have the {'prefix' if name == catalog.prefix else 'name'} {name!r}: "
                    f'add prefix = "{model._meta.model_name}" (or another word) to {mine}.'
                )
                break
    return problems


def get_catalogs() -> list[Catalog]:
    """The shop's catalogs. Raises NotConfigured with the lines to add when there is none, or ids are ambiguous."""
    if not _catalogs:
        raise NotConfigured(
            "No product model is declared. Add a file recommended_products.py to an installed app with:\n"
            "    from recommendations.catalog import Card, Catalog, register\n"
            "    @register(Product)\n"
            "    class ProductCatalog(Catalog): ..."
        )
    if problems := wrong_prefixes():
        raise NotConfigured(problems[0])
    return list(_catalogs.values())


def catalogs_of(product_ids: Iterable[str]) -> list[Catalog | None]:
    """Whose ids these are, by their prefixes; None where an id is nobody's."""
    by_prefix = {catalog.prefix: catalog for catalog in get_catalogs()}
    bare = by_prefix.get("")
    prefixes = (product_id.partition(SEPARATOR) for product_id in product_ids)
    return [by_prefix.get(prefix, bare) if separator else bare for prefix, separator, _ in prefixes]


def product_id_of(product: object) -> str:
    """The id of one of the shop's own products; whatever is no model is an id already, None is ""."""
    if not isinstance(product, Model):
        return "" if product is None else str(product)
    for model in type(product).__mro__:
        if model in _catalogs:
            return _catalogs[model].product_id(product)
    raise NotConfigured(
        f"{type(product).__name__} is not registered: add @register({type(product).__name__}) and its Catalog to "
        "recommended_products.py."
    )


def find_products(product_ids: Iterable[str]) -> list[tuple[Catalog, Any]]:
    """(catalog, product) for the ids that the shop has, in one query for each model."""
    return [
        (catalog, product)
        for catalog, ids in _by_catalog(product_ids).items()
        for product in catalog.find(ids).values()
    ]


def find_cards(product_ids: Collection[str], request: HttpRequest | None) -> dict[str, Card]:
    """Cards by product_id, in one query for each model; what this shopper can't buy is absent."""
    cards: dict[str, Card] = {}
    for catalog, ids in _by_catalog(product_ids).items():
        cards |= catalog.cards(ids, request)
    return cards


def try_cards() -> None:
    """Ask each catalog for the card of one product that can be bought. Raises NotConfigured for what card() raises."""
    for catalog in get_catalogs():
        for product in filter(partial(_is_for_sale, catalog), catalog.queryset()[:SOME]):
            _try_card(catalog, product)
            break


def _is_for_sale(catalog: Catalog, product: Any) -> bool:
    """Whether the product can be bought; not where its catalog can't tell, which the sync has logged."""
    try:
        return catalog.is_available(product)
    except DatabaseFailure:
        raise
    except Exception:
        return False


def _try_card(catalog: Catalog, product: Any) -> None:
    try:
        catalog.card_of(product, None)
    except (DatabaseFailure, NotConfigured):
        raise
    except Exception as error:
        raise NotConfigured(
            f"{type(catalog).__name__}.card(product, None) raised {type(error).__name__}: {error}. Correct card(); "
            "where no page is drawn, as in audits, its request is None."
        ) from error


@never_break(fallback=lambda product_ids, request: {})
def cards_if_any(product_ids: Collection[str], request: HttpRequest | None) -> dict[str, Card]:
    """The same for pages that can do without: none where the shop's code fails for one of them."""
    return find_cards(product_ids, request)


def promotes_anything() -> bool:
    """Whether any catalog says what the shop promotes."""
    return any(type(catalog).promoted is not Catalog.promoted for catalog in _catalogs.values())


def find_promotions(placement: str, request: HttpRequest | None) -> dict[str, Promotion]:
    """What the shop promotes in a placement by product_id, the first first. Raises NotConfigured for no Promotion."""
    found: dict[str, Promotion] = {}
    for catalog in get_catalogs():
        for promotion in catalog.promoted(placement, request):
            if not isinstance(promotion, Promotion):
                raise NotConfigured(
                    f"{type(catalog).__name__}.promoted gave {promotion!r}: expected Promotion(product), "
                    "or Promotion(product, paid=True)."
                )
            found.setdefault(product_id_of(promotion.product), promotion)
    return found


def ids_of(catalog: Catalog, field: str = "product_id") -> Q:
    """A condition on a column of product_ids: those of this catalog."""
    if catalog.prefix:
        return Q(**{f"{field}__startswith": f"{catalog.prefix}{SEPARATOR}"})
    condition = Q()
    for other in get_catalogs():
        if other.prefix:
            condition &= ~ids_of(other, field)
    return condition


def _by_catalog(product_ids: Iterable[str]) -> dict[Catalog, list[str]]:
    ids, sorted_out = list(product_ids), dict[Catalog, list[str]]()
    for product_id, catalog in zip(ids, catalogs_of(ids) if ids else [], strict=True):
        if catalog is not None:
            sorted_out.setdefault(catalog, []).append(product_id)
    return sorted_out
