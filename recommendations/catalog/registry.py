from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from ..exceptions import NotConfigured
from .cards import Card

_catalogs: dict[type[Model], "Catalog"] = {}


class Catalog:
    """How the app reads a shop's products. Subclass it in `recommended_products.py` and decorate it with `register`.

    Only `title` and `card` must be written; what a product lacks keeps its default.
    """

    def __init__(self, model: type[Model]) -> None:
        self.model = model

    def queryset(self) -> QuerySet[Any]:
        """The products to mirror, with whatever the methods below touch already joined."""
        return self.model._default_manager.all()

    def product_id(self, product: Any) -> str:
        """The product's key, as stored and sent."""
        return str(product.pk)

    def title(self, product: Any) -> str:
        raise NotImplementedError(f"{type(self).__name__} needs: def title(self, product): return product.name")

    def category(self, product: Any) -> Sequence[str]:
        """The category path, widest first; () when there is none."""
        return ()

    def brand(self, product: Any) -> str:
        return ""

    def price(self, product: Any) -> Decimal | None:
        return None

    def is_available(self, product: Any) -> bool:
        """Whether anybody at all can buy it now."""
        return True

    def card(self, product: Any, request: HttpRequest | None) -> Card | None:
        """The product as this shopper sees it, or None when this shopper can't buy it now."""
        raise NotImplementedError(
            f"{type(self).__name__} needs: def card(self, product, request): "
            "return Card(self.product_id(product), product.name, product.get_absolute_url())"
        )

    def cards(self, product_ids: Iterable[str], request: HttpRequest | None) -> dict[str, Card]:
        """Cards by product_id, in one query; what can't be bought is absent."""
        keys = [key for key in map(self._primary_key, product_ids) if key is not None]
        found = self.queryset().in_bulk(keys).values()
        cards = (self.card(product, request) for product in found if self.is_available(product))
        return {card.product_id: card for card in cards if card is not None}

    def _primary_key(self, product_id: str) -> Any:
        try:
            return self.model._meta.pk.clean(product_id, None)  # type: ignore[union-attr]
        except ValidationError:
            return None


def register(model: type[Model]) -> Callable[[type[Catalog]], type[Catalog]]:
    """Class decorator: this Catalog is how the app reads `model`."""

    def decorate(catalog: type[Catalog]) -> type[Catalog]:
        if others := [other for other in _catalogs if other is not model]:
            raise NotConfigured(
                f"{catalog.__name__} registers {model.__name__}, but {others[0].__name__} is registered already: "
                "one product model a project for now; remove one @register line in recommended_products.py."
            )
        _catalogs[model] = catalog(model)
        return catalog

    return decorate


def registered() -> dict[type[Model], Catalog]:
    """The declared catalogs by model."""
    return dict(_catalogs)


def get_catalog() -> Catalog:
    """The shop's catalog. Raises NotConfigured with the lines to add when none was declared."""
    if not _catalogs:
        raise NotConfigured(
            "No product model is declared. Add a file recommended_products.py to an installed app with:\n"
            "    from recommendations.catalog import Card, Catalog, register\n"
            "    @register(Product)\n"
            "    class ProductCatalog(Catalog): ..."
        )
    return next(iter(_catalogs.values()))
