"""The shopper's decisions, as plain forms: off and on, everything as a file, everything erased, not interested."""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_POST, require_safe

from .. import controls
from ..exceptions import UnknownProduct
from ..models import Shopper
from ..serving.asking import shopper_of
from ..throttles import NewcomersThrottle
from .trying_again import or_try_again, too_many


def _back(**query: Any) -> HttpResponse:
    return redirect(reverse("recommendations:yours", query=query or None))


@or_try_again
@require_POST
@csrf_protect
def personalisation(request: HttpRequest) -> HttpResponse:
    """Switch it off, or with on=1 on."""
    response = _back()
    switch = controls.switch_on if request.POST.get("on") == "1" else controls.switch_off
    switch(request, response)
    return response


@or_try_again
@require_POST
@csrf_protect
def erase(request: HttpRequest) -> HttpResponse:
    """Erase everything, and record nothing more until it is switched on."""
    response = _back(erased=1)
    controls.erase_all(request, response)
    return response


@or_try_again
@never_cache
@require_safe
def export(request: HttpRequest) -> HttpResponse:
    """Everything that is kept, as a file."""
    shopper = Shopper.objects.asking(request)
    response = JsonResponse(
        controls.export(shopper, request) if shopper is not None else {"shopper": None},
        json_dumps_params={"ensure_ascii": False, "indent": 1},
    )
    response["Content-Disposition"] = 'attachment; filename="recommendations.json"'
    return response


@or_try_again
@require_POST
@csrf_protect
def hide(request: HttpRequest) -> HttpResponse:
    """Not interested in a product, or with fewer=1 less like it; refused while nothing may be kept."""
    if refusal := too_many(request, NewcomersThrottle()):
        return refusal
    product_id = request.POST.get("product", "")
    response = _back(hidden=product_id)
    try:
        hider = controls.hide_as_asked(request, response, product_id, request.POST.get("fewer") == "1")
    except UnknownProduct as error:
        return HttpResponseBadRequest(f"product: {error}", content_type="text/plain")
    return response if hider is not None else _back(refused=1)


@or_try_again
@require_POST
@csrf_protect
def show_again(request: HttpRequest) -> HttpResponse:
    """Undo it."""
    shopper: Shopper | None = shopper_of(request)
    if shopper is not None:
        controls.show_again(shopper, request.POST.get("product", ""))
    return _back()
