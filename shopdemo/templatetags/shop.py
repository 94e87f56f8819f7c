from decimal import Decimal

from django import template

from ..models import Product
from ..tiles import tile_url

register = template.Library()


@register.filter
def money(amount: Decimal) -> str:
    """2.5 -> "$2.50"."""
    return f"${amount:,.2f}"


@register.simple_tag
def tile(colour: str, emoji: str) -> str:
    """The address of the emoji's tile."""
    return tile_url(colour, emoji)


@register.inclusion_tag("shopdemo/product_card.html", takes_context=True)
def product_card(context: template.Context, product: Product) -> dict[str, object]:
    """A product as it stands on a shelf, with a button that puts it in the cart."""
    return {"product": product, "request": context["request"], "csrf_token": context.get("csrf_token")}
