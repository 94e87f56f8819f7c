"""Oscar's products as the app reads them. A shop that wants it otherwise subclasses this and registers it again."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from functools import cache, partial
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject, lazy
from oscar.core.loading import get_class, get_model
from oscar.core.thumbnails import get_thumbnailer

from recommendations.boundary import never_break
from recommendations.catalog import Card, Catalog, Price, register

Category = get_model("catalogue", "Category")
Product = get_model("catalogue", "Product")
Selector = get_class("partner.strategy", "Selector")

IMAGE_SIZE = "x155"  # that of Oscar's own product lists: one thumbnail serves both


@register(Product)
class OscarCatalog(Catalog):
    """Products with a page of their own, published or not; a child counts as its parent."""

    # Path of a category -> its name. Read anew for each queryset, and only if a path is asked for.
    _category_names: Any = {}

    def queryset(self) -> QuerySet[Any]:
        self._category_names = SimpleLazyObject(lambda: dict(Category.objects.values_list("path", "name")))
        children = Product.objects.public().prefetch_related("stockrecords")
        products = Product.objects.browsable_dashboard().select_related("product_class")
        products = products.prefetch_browsable_categories().prefetch_public_children(children)
        return products.prefetch_related("stockrecords", "images")

    def product_id(self, product: Any) -> str:
        return self.id_of(product.parent_id or product.pk)

    def title(self, product: Any) -> str:
        return product.get_title()

    def category(self, product: Any) -> Sequence[str]:
        for category in product.get_categories()[:1]:
            ancestors = (
                category.path[:end] for end in range(category.steplen, len(category.path) + 1, category.steplen)
            )
            return [self._category_names[path] for path in ancestors if path in self._category_names]
        return ()

    def price(self, product: Any) -> Decimal | None:
        info = _purchase_info(product, Selector().strategy())
        price = _price(info) if info else None
        return price.amount if price else None

    def is_available(self, product: Any) -> bool:
        return product.is_public and (_is_in_stock(product) or _is_for_sale(product, Selector().strategy()))

    def card(self, product: Any, request: HttpRequest | None) -> Card | None:
        info = _purchase_info(product, _strategy(request))
        if info is None or not info.availability.is_available_to_buy:
            return None
        return Card(
            self.product_id(product),
            product.get_title(),
            product.get_absolute_url(),
            image=_image(product),
            price=_price(info),
            category=next((category.name for category in product.get_categories()[:1]), ""),
        )


def _strategy(request: HttpRequest | None) -> Any:
    """The one that Oscar's middleware chose for this request, else the one it would choose."""
    return getattr(request, "strategy", None) or Selector().strategy(request=request)


def _purchase_info(product: Any, strategy: Any) -> Any:
    """What the strategy says; None of a parent whose tax it reckons from a child without a price.

    Oscar's own page of that parent fails: it is not shown.
    """
    if not product.is_parent:
        return strategy.fetch_for_product(product)
    try:
        return strategy.fetch_for_parent(product)
    except TypeError:
        if all(record.price is not None for record in _stock_records(product)):
            raise
        return None


def _is_for_sale(product: Any, strategy: Any) -> bool:
    info = _purchase_info(product, strategy)
    return info is not None and info.availability.is_available_to_buy


def _is_in_stock(product: Any) -> bool:
    """Whether any record has stock: a strategy picks one record, another customer's may pick another."""
    return any(record.net_stock_level > 0 for record in _stock_records(product))


def _stock_records(product: Any) -> Iterable[Any]:
    for sold in product.get_public_children() if product.is_parent else [product]:
        yield from sold.stockrecords.all()


def _price(info: Any) -> Price | None:
    amount = _amount(info.price) if info.price.exists else None
    return None if amount is None else Price(amount, info.price.currency)


def _amount(price: Any) -> Decimal | None:
    """None where Oscar makes a price of nothing, as of a parent whose first child has none."""
    try:
        return price.incl_tax if price.is_tax_known else price.excl_tax
    except TypeError:
        if price.excl_tax is not None:
            raise
        return None


def _image(product: Any) -> str:
    """_address_of_image(), found once and only when it is read: most cards are never drawn."""
    return _when_read(cache(partial(_address_of_image, product)))


# Once for all cards: Django makes a class of it.
_when_read = lazy(lambda find: find(), str)


@never_break(fallback=lambda product: "")
def _address_of_image(product: Any) -> str:
    """The address of the first image as Oscar's lists show it, "" when there is none."""
    # Not primary_image(): without an image it makes a link in MEDIA_ROOT, or raises.
    images = product.images.all()[:1]
    return (
        get_thumbnailer().generate_thumbnail(images[0].original, size=IMAGE_SIZE, upscale=False).url if images else ""
    )
