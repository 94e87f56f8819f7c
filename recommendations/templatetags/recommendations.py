"""Tags that a shop puts on its pages; each asks one plain function and renders one template."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django import template
from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, get_supported_language_variant
from django.utils.translation import gettext_lazy as _

from .. import serving
from ..boundary import never_break
from ..catalog import product_id_of
from ..models.texts import is_storable, storable
from ..serving import Fact, RecommendationList, RecommendationQuery
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
NEW_HEADING = _("New in this shop")
UNKNOWN_HEADING = _("From this shop")


@register.simple_tag(takes_context=True)
def recommendations(
    context: template.Context,
    placement: str,
    limit: int = 10,
    product: object = None,
    heading: str = "",
    of: str = "",
    lazy: bool = False,
) -> SafeString:
    """A list of products for a placement; `product` is the product that the page is about, or its id.

    With several registered models, `of="article"` shows those of one. `lazy` leaves a place that the beacon's script
    fills: for pages and fragments that a cache shares.
    """
    if lazy:
        return _rendered(context, "lazy", _lazy, placement, limit, product, of, False, heading)
    return _rendered(context, "list", _list, placement, limit, product, heading, of)


@register.simple_tag(takes_context=True)
def because_rows(
    context: template.Context, limit: int = 3, placement: str = "new_for_you", of: str = "", lazy: bool = False
) -> SafeString:
    """At most `limit` rows "Because you viewed X" in which every product would be gone without X; `lazy` as above."""
    if lazy:
        return _rendered(context, "lazy", _lazy, placement, limit, None, of, True)
    return _rendered(context, "because_rows", _rows, placement, limit, of)


@register.simple_tag(takes_context=True)
def recommendation_beacon(context: template.Context) -> SafeString:
    """The script that reports what shoppers do; put it once before </body>."""
    return _rendered(context, "beacon", lambda request: {})


@register.filter
@never_break(fallback=lambda product: "")
def recommendations_id(product: object) -> str:
    """The id by which the app knows one of the shop's products, for data-recommendations-view and its like.

    "" for None: a line of an order whose product is gone. What is not in the template's context at all is a mistake.
    """
    if product == "":
        raise template.TemplateSyntaxError(
            "recommendations_id: no product here: is the variable called as it is in the view's context?"
        )
    return product_id_of(product)


# What is asked, the shop's own templates of it and the files they name: none of it may break the page around it.
@never_break(fallback=lambda *_, **__: mark_safe(""))  # nosec B308
def _rendered(context: template.Context, name: str, values: Callable[..., dict[str, Any]], *asked: Any) -> SafeString:
    """A template of ours, filled with `values(request, ...)`; "" when anything fails."""
    request = context.get("request")
    if request is None:
        raise template.TemplateSyntaxError(
            f"{name}: the tag needs the request: render the page with request=..., and add "
            "'django.template.context_processors.request' to TEMPLATES['OPTIONS']['context_processors']."
        )
    found = context.template.engine.get_template(f"recommendations/{name}.html")
    inner = context.new(values(request, *asked))
    # As inclusion_tag does: a card of the shop's own may hold a form.
    inner["request"], inner["csrf_token"] = request, context.get("csrf_token", "")
    html = found.render(inner)
    # The shop encodes the page once we are done: what UTF-8 does not have would fail there.
    return html if is_storable(html) else mark_safe(storable(html))  # noqa: S308 # nosec B308 B703


def _list(request: HttpRequest, placement: str, limit: int, product: object, heading: str, of: str) -> dict[str, Any]:
    found = serving.recommend(_query(request, placement, limit, product, of))
    return {"list": found, "heading": heading or _heading(placement, found)}


def _lazy(
    request: HttpRequest, placement: str, limit: int, product: object, of: str, rows: bool, heading: str = ""
) -> dict[str, Any]:
    """Where the place is filled from, in the page's language, which may be told by its address alone.

    Nothing is asked of whoever sends the request: everybody may be given this.
    """
    with _mistakes_of(limit):
        RecommendationQuery(placement, limit=limit, product_id=product_id_of(product) or None, of=of)
    asked = {"placement": placement, "limit": limit, "product": product_id_of(product), "of": of, "rows": rows or ""}
    asked["lang"] = _language()
    given = {name: value for name, value in asked.items() if value}
    return {"address": reverse("recommendations:fragment", query=given), "heading": heading}


def _language() -> str:
    """The one in use; "" where it is none of the shop's."""
    try:
        return get_supported_language_variant(get_language() or "")
    except LookupError:
        return ""


def _heading(placement: str, found: RecommendationList) -> str:
    """What the list is, in truth: nothing is recommended to a stranger, nothing is popular in a new shop, and not
    all that fills a list is new."""
    sources = {shown.source for shown in found.recommendations}
    facts = {shown.reason.fact for shown in found.recommendations if isinstance(shown.reason, Fact)}
    if placement != "home" or "recommender" in sources:
        return HEADINGS[placement]
    if "popular" in sources:
        return STRANGER_HEADING
    return NEW_HEADING if "new" in facts else UNKNOWN_HEADING


def _rows(request: HttpRequest, placement: str, limit: int, of: str) -> dict[str, Any]:
    return {"rows": serving.because_rows(_query(request, placement, limit, None, of), limit)}


def _query(request: HttpRequest, placement: str, limit: int, product: object, of: str) -> RecommendationQuery:
    with _mistakes_of(limit):
        return query_of(request, placement, limit, product, of=of)


@contextmanager
def _mistakes_of(limit: object) -> Iterator[None]:
    """Raises TemplateSyntaxError, which is shown with DEBUG, for what a query can't be made of."""
    if not isinstance(limit, int):
        raise template.TemplateSyntaxError(f"limit {limit!r}: expected a whole number.")
    try:
        yield
    except (TypeError, ValueError) as error:
        raise template.TemplateSyntaxError(str(error)) from error
