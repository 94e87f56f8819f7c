from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Field, Model, QuerySet
from django.http import HttpRequest

from ..exceptions import NotConfigured
from ..models.texts import is_storable
from .cards import Card

SEPARATOR = ":"


@dataclass(frozen=True)
class Promotion:
    """A product that the shop wants to be shown first; `paid` when somebody pays the shop for it."""

    product: object  # one of the shop's own products, or the id of one
    paid: bool = False


class Catalog:
    """How the app reads a shop's products. Subclass it in `recommended_products.py` and decorate it with `register`.

    Only `title` and `card` must be written; what a product lacks keeps its default.
    """

    # With several registered models, what tells their ids apart: "article" makes them "article:7". One may do without.
    prefix: str = ""
    # The unique field whose value is the product's key: "pk", or say "sku".
    key: str = "pk"

    def __init__(self, model: type[Model]) -> None:
        self.model = model

    @property
    def name(self) -> str:
        """What lists are limited by, as in `of="article"`: the prefix, or the model's name in lower case."""
        return self.prefix or str(self.model._meta.model_name)

    def queryset(self) -> QuerySet[Any]:
        """The products to mirror, with whatever the methods below touch already joined."""
        return self.model._default_manager.all()

    def product_id(self, product: Any) -> str:
        """The product's id, as stored and sent. Override it where a variant counts as the product that has a page."""
        return self.id_of(getattr(product, self.key))

    def id_of(self, key: object) -> str:
        """The id of the product with this key."""
        return f"{self.prefix}{SEPARATOR}{key}" if self.prefix else str(key)

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

    def promoted(self, placement: str, request: HttpRequest | None) -> Iterable[Promotion]:
        """What the shop wants to be shown first in this placement, the first of them in the first place.

        A third of a list at most; whoever can't buy one of them, or hid it, is not shown it. A handful will do.
        """
        return ()

    def cards(self, product_ids: Iterable[str], request: HttpRequest | None) -> dict[str, Card]:
        """Cards by product_id, in one query; what can't be bought is absent."""
        found = {
            product_id: self.card_of(product, request)
            for product_id, product in self.find(product_ids).items()
            if self.is_available(product)
        }
        # A variant that became another product's has that one's card, which nobody asked for.
        return {product_id: card for product_id, card in found.items() if card and card.product_id == product_id}

    def card_of(self, product: Any, request: HttpRequest | None) -> Card | None:
        """card(), whose product_id must be that of the product. Raises NotConfigured."""
        card = self.card(product, request)
        if card is not None and card.product_id != (expected := self.product_id(product)):
            raise NotConfigured(
                f"{type(self).__name__}.card() gave product_id {card.product_id!r}, expected {expected!r}: "
                "pass self.product_id(product)."
            )
        return card

    def find(self, product_ids: Iterable[str]) -> Mapping[str, Any]:
        """The shop's products by product_id, in one query; ids that the queryset does not hold are absent."""
        asked = set(product_ids)
        keys = [key for key in map(self._key, asked) if key is not None]
        found = self.queryset().in_bulk(keys, field_name=self.key)
        # "007" reads as the key 7, but is the id of no product.
        return {name: product for key, product in found.items() if (name := self.id_of(key)) in asked}

    def _key(self, product_id: str) -> Any:
        """The key in the field's own type; None for what no product can have."""
        text = product_id.removeprefix(f"{self.prefix}{SEPARATOR}") if self.prefix else product_id
        if not is_storable(text):
            return None
        try:
            return self._key_field.clean(text, None)
        except ValidationError:
            return None

    @property
    def _key_field(self) -> Field:
        meta = self.model._meta
        field = meta.pk if self.key == "pk" else meta.get_field(self.key)
        # A key that is itself a relation (a child of another table) would look its target up.
        while field.is_relation:
            field = field.target_field
        return field
