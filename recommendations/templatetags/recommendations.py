"""Tags that a shop puts on its pages; each asks one plain function and renders one template."""

from typing import Any

from django import template
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from .. import serving
from ..boundary import never_break
from ..catalog import product_id_of
from ..serving.asking import query_of

register = template.Library()

HEADINGS = {
    "home": _("Recommended for you"),
    "new_for_you": _("New for you"),
    "buy_again": _("Buy it again"),
    "cart": _("You may also need"),
    "similar": _("Similar products"),
    "bought_together": _("Goes well with this"),
}
STRANGER_HEADING = _("Popular right now")


@register.inclusion_tag("recommendations/list.html", takes_context=True)
def recommendations(
    context: template.Context,
    placement: str,
    limit: int = 10,
    product: object = None,
    heading: str = "",
    of: str = "",
) -> dict[str, Any]:
    """A list of products for a placement; `product` is the product that the page is about, or its id.

    With several registered models, `of="article"` shows those of one.
    """
    return _list(context.get("request"), placement, limit, product, heading, of)


@register.inclusion_tag("recommendations/because_rows.html", takes_context=True)
def because_rows(
    context: template.Context, limit: int = 3, placement: str = "new_for_you", of: str = ""
) -> dict[str, Any]:
    """At most `limit` rows "Because you viewed X" in which every product would be gone without X."""
    return _rows(context.get("request"), placement, limit, of)


@register.inclusion_tag("recommendations/beacon.html", takes_context=True)
def recommendation_beacon(context: template.Context) -> dict[str, Any]:
    """The script that reports what shoppers do; put it once before </body>."""
    return {"request": context.get("request")}


@register.filter
@never_break(fallback=lambda product: "")
def recommendations_id(product: object) -> str:
    """The id by which the app knows one of the shop's products, for data-recommendations-view and its like."""
    return product_id_of(product)


@never_break(fallback=lambda *_: {})
def _list(
    request: HttpRequest | None, placement: str, limit: int, product: object, heading: str, of: str
) -> dict[str, Any]:
    query = query_of(_page_request(request, "recommendations"), placement, limit, product, of=of)
    found = serving.recommend(query)
    personal = any(recommendation.source == "recommender" for recommendation in found.recommendations)
    if placement == "home" and not personal and not heading:
        heading = STRANGER_HEADING
    return {"list": found, "heading": heading or HEADINGS[placement]}


@never_break(fallback=lambda *_: {})
def _rows(request: HttpRequest | None, placement: str, limit: int, of: str) -> dict[str, Any]:
    query = query_of(_page_request(request, "because_rows"), placement, of=of)
    return {"rows": serving.because_rows(query, limit)}


def _page_request(request: HttpRequest | None, tag: str) -> HttpRequest:
    if request is None:
        raise template.TemplateSyntaxError(
            f"{{% {tag} %}} needs the request: render the page with request=..., and add "
            "'django.template.context_processors.request' to TEMPLATES['OPTIONS']['context_processors']."
        )
    return request
