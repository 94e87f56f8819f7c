"""Pages for shoppers: plain HTML and forms, without JavaScript, without a login."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_POST, require_safe

from .. import controls
from ..catalog import Card
from ..models import Shopper
from ..models.shopper import is_logged_in
from ..serving import InvalidToken, Token, Why, open_token
from ..serving import why as explain
from ..serving.asking import anchor_in, query_of_list, shopper_of
from ..serving.looking import compare
from ..throttles import WhyAddressThrottle, WhyThrottle
from .trying_again import or_try_again, too_many

UNITS_ON_A_PAGE = 50
# Of the list that a row is cut from: no page of the shop shows all of it.
MOST_OF_A_ROWS_LIST = 10
# What the address of the panel asks, but for what the product is compared with.
ASKED = ("token", "product", "anchor", "searched")


@dataclass(frozen=True)
class Unit:
    """A product or search as these pages show it."""

    type: str  # "product" or "query": also the form field's name
    key: str
    title: str
    card: Card | None = None
    event: str = ""
    last: datetime | None = None
    removed_at: datetime | None = None
    until: datetime | None = None
    fewer_like_it: bool = False


@partial(or_try_again, failure=Exception)
@never_cache
@require_safe
@csrf_protect
def why(request: HttpRequest) -> HttpResponse:
    """Why a list shows a product, what that rests on, and the list as it would be without it."""
    if refusal := too_many(request, WhyThrottle(), WhyAddressThrottle()):
        return refusal
    try:
        token = open_token(request.GET.get("token", ""), shopper_of(request))
        query = query_of_list(request, token)
    except InvalidToken:
        return render(request, "recommendations/pages/why.html", {"told": Why(None), "unknown_list": True})
    further = request.GET.get("further") == "1"
    anchor = anchor_in(request.GET) if token.is_row else None
    told = explain(query, request.GET.get("product", ""), anchor, further)
    context = {
        "told": told,
        "row_of": token.limit if token.is_row else 0,
        **_predicted(told, token, request.GET.get("without") == "1"),
        "changed": token.change(told.again),
        "looked_further": further,
        "has_likes": told.recommendation is not None and controls.is_like_others(told.recommendation.card.product_id),
        "others": [entry.card for entry in told.others],
        "asked": [(name, value) for name, value in request.GET.items() if name in ASKED],
        "comparison": None,
    }
    if compared := request.GET.get("compared", ""):
        context["compared"] = True
        context["comparison"] = compare(told.inspection, request.GET.get("product", ""), compared)
    return render(request, "recommendations/pages/why.html", context)


def _predicted(told: Why, token: Token, is_asked: bool) -> dict[str, Any]:
    """The list without what the first cause names, or where it `is_asked` without what a fact tells of the history."""
    gone = told.causes[0].anchors if told.causes else told.remembered if is_asked else ()
    listed = told.without(gone).recommendations if gone else ()
    shown = listed[:MOST_OF_A_ROWS_LIST] if token.is_row else listed
    return {"is_predicted": bool(gone), "predicted": shown, "predicted_in_all": len(listed)}


@or_try_again
@never_cache
@require_safe
@csrf_protect
def yours(request: HttpRequest) -> HttpResponse:
    """What is remembered of whoever asks, each part removable, and what was removed, each removal undoable."""
    shopper, standing = shopper_of(request), controls.standing(request)
    page = Paginator(controls.history_of(shopper) if shopper else [], UNITS_ON_A_PAGE).get_page(request.GET.get("page"))
    removed = controls.removed_by(shopper) if shopper else []
    kept_out = controls.hidden_by(shopper) if shopper else []
    history, removed_units, hidden = _units(shopper, ([*page.object_list], removed, kept_out), request)
    is_on = standing == controls.Standing.ON
    is_kept = not is_on and controls.is_anything_kept(Shopper.objects.asking(request))
    context = {
        "page": page,
        "history": history,
        "removed": removed_units,
        "just_removed": _just_removed(removed_units, request),
        "hidden": [unit for unit in hidden if unit.removed_at is None],
        "removed_for_good": [unit for unit in hidden if unit.removed_at is not None],
        "searches_removed_for_good": controls.searches_removed_for_good(shopper) if shopper else 0,
        "just_hidden": _product_of(hidden, request.GET.get("hidden")),
        "erased": not is_on and not is_kept and request.GET.get("erased") == "1",
        "interests": controls.interests_of(shopper, request) if shopper else [],
        "standing": standing.value,
        "personalised": is_on,
        "refused": request.GET.get("refused") == "1",
        "may_have_more": is_kept,
        "logged_in": is_logged_in(request),
    }
    return render(request, "recommendations/pages/yours.html", context)


@or_try_again
@require_POST
@csrf_protect
def forget(request: HttpRequest) -> HttpResponse:
    """Take a product or a search out of the history."""
    unit = _named(request)
    # What was searched for is to be forgotten, by what keeps addresses too.
    told = {"removed_search": "1"} if "query" in unit else {"removed": unit.get("product_id", "")}
    return _changed(request, controls.remove, unit, query=told)


@or_try_again
@require_POST
@csrf_protect
def undo(request: HttpRequest) -> HttpResponse:
    """Put it back."""
    return _changed(request, controls.restore, _named(request))


def _named(request: HttpRequest) -> dict[str, str]:
    """What the form names, as controls take it; empty unless it names one thing."""
    product, query = request.POST.get("product", ""), request.POST.get("query", "")
    if bool(product) == bool(query):
        return {}
    return {"product_id": product} if product else {"query": query}


def _changed(
    request: HttpRequest, change: Callable[..., bool], unit: dict[str, str], query: dict[str, str] | None = None
) -> HttpResponse:
    if not unit:
        return HttpResponseBadRequest("product: expected the id of a product, or query: the text of a search.")
    shopper = shopper_of(request)
    if shopper is not None:
        change(shopper, **unit)
    return redirect(reverse("recommendations:yours", query=query))


def _just_removed(units: list[Unit], request: HttpRequest) -> Unit | None:
    """Of what was removed, the newest first, what the last form was about."""
    if request.GET.get("removed_search") == "1":
        return next((unit for unit in units if unit.type == "query"), None)
    return _product_of(units, request.GET.get("removed"))


def _product_of(units: list[Unit], key: str | None) -> Unit | None:
    """The product of this id; a search may be called like it."""
    return next((unit for unit in units if (unit.type, unit.key) == ("product", key)), None)


def _units(shopper: Shopper | None, groups: tuple[list[Any], ...], request: HttpRequest) -> list[list[Unit]]:
    """The units of each group, with what this shopper may read of them, which is asked once."""
    product_ids = {unit.product_id for units in groups for unit in units if unit.product_id}
    seen = controls.seen_by(shopper, product_ids, request)
    return [
        [_unit(unit, seen[unit.product_id] if unit.product_id else controls.Seen(unit.query)) for unit in units]
        for units in groups
    ]


def _unit(unit: Any, seen: controls.Seen) -> Unit:
    return Unit(
        "product" if unit.product_id else "query",
        unit.product_id or unit.query,
        seen.title,
        seen.card,
        getattr(unit, "event", ""),
        getattr(unit, "last", None),
        getattr(unit, "removed_at", None),
        getattr(unit, "until", None),
        getattr(unit, "fewer_like_it", False),
    )
