"""Stepping into the shoes of a real household. A shop in production has no such door: without DEBUG it is not there."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model, login
from django.contrib.auth.views import LogoutView
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from recommendations.conf import get_config
from recommendations.controls import switch_off
from recommendations.models import Shopper
from recommendations.models.shopper import OFF_COOKIE, is_paused
from recommendations.models.texts import storable

from ..models import Household

SHOWN = 12
# Fewer purchases than this say little about anybody.
LEAST_PURCHASES = 60
MOST_LETTERS = 100
# In the session of whoever stepped in: that this browser had switched personalisation off.
WAS_OFF = "was_off"


def only_with_debug(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    @wraps(view)
    def guarded(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        if not settings.DEBUG:
            raise Http404("households can be chosen with DEBUG only")
        return view(request, *args, **kwargs)

    return guarded


@only_with_debug
def households(request: HttpRequest) -> HttpResponse:
    """A few at random, or those whose number or favourites match."""
    query = storable(request.GET.get("q", ""), MOST_LETTERS).strip()
    found = Household.objects.all()
    if query.isdecimal():
        found = found.filter(number=query)
    elif query:
        found = found.filter(favourites__icontains=query).order_by("-purchases")
    else:
        found = found.filter(purchases__gte=LEAST_PURCHASES).order_by("?")
    return render(request, "shopdemo/households.html", {"query": query, "households": found[:SHOWN]})


@only_with_debug
@require_POST
def step_in(request: HttpRequest, number: int) -> HttpResponse:
    household = get_object_or_404(Household, number=number)
    user = _user_of(household)
    was_off = is_paused(request) or request.session.get(WAS_OFF, False)
    # What the visitor did and decided stays the visitor's: without the cookies, the login has nothing to merge.
    for cookie in (get_config().COOKIE_NAME, OFF_COOKIE):
        request.COOKIES.pop(cookie, None)
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    request.session[WAS_OFF] = was_off
    response = redirect("home")
    response.delete_cookie(OFF_COOKIE, samesite="Lax")
    return response


class StepOut(LogoutView):
    """Logging out; a visitor who had switched personalisation off before stepping in finds it off."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        was_off = request.session.get(WAS_OFF, False)
        response = super().post(request, *args, **kwargs)
        if was_off:
            switch_off(request, response)
        return response


@transaction.atomic
def _user_of(household: Household):
    """The household's user, made at the first visit and given the shopper that its purchases were imported under."""
    if household.user is None:
        user, _ = get_user_model().objects.get_or_create(username=household.external_id)
        user.set_unusable_password()
        user.save()
        household.user = user
        household.save(update_fields=["user"])
    Shopper.objects.filter(external_id=household.external_id, user=None).update(user=household.user)
    return household.user
