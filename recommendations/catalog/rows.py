"""Rows of the mirror as the shop's catalogs tell them, and the products of which they can't tell."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.db import Error as DatabaseFailure

from ..conf import get_config
from ..exceptions import NotConfigured
from ..logs import log
from ..models import Product
from ..models.product import MAX_PRODUCT_ID
from ..models.texts import is_storable, storable
from .declaration import Catalog
from .registry import catalogs_of

# What a person wrote is shorter; what is longer is cut, in the mirror only.
MOST_LETTERS = 2_000
# As the column has them.
PRICE_STEP, MOST_PRICE = Decimal("0.0001"), 10**10
# Of the products left out so many are named in the log, each in so many letters.
NAMED, MOST_OF_A_NAME = 5, 100


class LeftOut:
    """The products that one run could not read, each counted once however often it was tried."""

    def __init__(self) -> None:
        self.errors: dict[Catalog, Exception] = {}  # the first of each catalog
        self._names: dict[str, str] = {}  # model and primary key by the id that the product's key gives

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, product_id: object) -> bool:
        return product_id in self._names

    def add(self, catalog: Catalog, product: Any, error: Exception) -> None:
        """Note the product and why it can't be read."""
        self.errors.setdefault(catalog, error)
        name = f"{catalog.model._meta.model_name} {product.pk}"
        self._names[catalog.id_of(getattr(product, catalog.key, product.pk))] = name[:MOST_OF_A_NAME]

    def tell(self) -> None:
        """Log them in one line, with the first error; nothing when there are none."""
        if self._names:
            first = next(iter(self.errors.values()))
            log("products_left_out", first, count=len(self), primary_keys=list(self._names.values())[:NAMED])


def readable_rows(products: Iterable[tuple[Catalog, Any]], left_out: LeftOut) -> dict[str, Product]:
    """Rows by product_id. A product that its catalog can't tell of, or without an id that can be kept, is added to
    `left_out`, or with RECOMMENDATIONS["STRICT"] the error is raised: one of them must not keep all others from being
    mirrored. A failure of the database is no product's, and always raised.
    """
    rows: dict[str, Product] = {}
    for catalog, product in products:
        try:
            row = _row(catalog, product)
        except DatabaseFailure:
            raise
        except Exception as error:
            if get_config().STRICT:
                raise
            left_out.add(catalog, product, error)
        else:
            rows[row.product_id] = row
    return rows


def mistake_in(catalog: Catalog, left_out: LeftOut) -> NotConfigured:
    """What to correct in a catalog of which no product can be read, by its first error."""
    error = left_out.errors[catalog]
    if isinstance(error, NotConfigured):
        return error
    method = next(iter(getattr(error, "__notes__", ())), type(catalog).__name__)
    return NotConfigured(f"No product can be read: {method} raised {type(error).__name__}: {error}. Correct it.")


def _row(catalog: Catalog, product: Any) -> Product:
    return Product(
        product_id=_product_id(catalog, product),
        title=_words(_told(catalog, "title", product)),
        category=_category(catalog, product),
        brand=_words(_told(catalog, "brand", product)),
        price=_price(_told(catalog, "price", product)),
        available=bool(_told(catalog, "is_available", product)),
    )


def _told(catalog: Catalog, method: str, product: Any) -> Any:
    """What the shop's method says of the product; what it raises goes on, with a note of the method."""
    try:
        return getattr(catalog, method)(product)
    except Exception as error:
        error.add_note(f"{type(catalog).__name__}.{method}(product)")
        raise


def _product_id(catalog: Catalog, product: Any) -> str:
    """An id that can be kept, and is the catalog's own. Raises NotConfigured."""
    product_id, mine = _told(catalog, "product_id", product), type(catalog).__name__
    if not isinstance(product_id, str):
        raise NotConfigured(
            f"{mine}.product_id gave {product_id!r} for the product with the primary key {product.pk!r}: expected "
            "text, as from self.id_of(key)."
        )
    if not 0 < len(product_id) <= MAX_PRODUCT_ID or not is_storable(product_id):
        raise NotConfigured(
            f"{mine}.product_id gave {product_id[:MAX_PRODUCT_ID]!r} for the product with the "
            f"primary key {product.pk!r}: expected 1 to {MAX_PRODUCT_ID} characters, none of them NUL or half of a "
            "pair."
        )
    if catalogs_of([product_id]) != [catalog]:
        raise NotConfigured(
            f"{mine}.product_id gave {product_id!r}, which reads as the id of another registered "
            f'model: add a prefix of its own to {mine}, as in prefix = "{catalog.name}".'
        )
    return product_id


def _category(catalog: Catalog, product: Any) -> list[str]:
    """The path; none for None. Raises NotConfigured for what is no path."""
    path = _told(catalog, "category", product)
    if path is None:
        return []
    # The letters of a text would be a path of which none is in SENSITIVE_CATEGORIES.
    if isinstance(path, str) or not isinstance(path, Iterable):
        given = f"the text {path[:MAX_PRODUCT_ID]!r}" if isinstance(path, str) else repr(path)[:MAX_PRODUCT_ID]
        raise NotConfigured(f"{type(catalog).__name__}.category gave {given}: return a path, as in [product.category].")
    return [_words(part) for part in path]


def _words(text: Any) -> str:
    return "" if text is None else storable(str(text), MOST_LETTERS)


def _price(price: Any) -> Decimal | None:
    """The price as the mirror keeps it; None for what is no price: one odd product must not stop a whole sync."""
    if price is None:
        return None
    try:
        kept = Decimal(price).quantize(PRICE_STEP)
        return kept if 0 <= kept < MOST_PRICE else None
    except (ArithmeticError, TypeError, ValueError):
        return None
