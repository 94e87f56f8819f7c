"""Switching it all off, and on again: off means that nothing of the shopper is read or written."""

from enum import StrEnum

from django.http import HttpRequest, HttpResponse

from ..cookies import drop_cookie, drop_off_cookie, give_off_cookie
from ..models import Shopper
from ..models.shopper import has_agreed, is_logged_in, is_paused
from .erasing import erase


class Standing(StrEnum):
    """Whether anything of somebody may be read and recorded, and if not, why."""

    ON = "on"
    OFF = "off"  # switched off
    NOT_AGREED = "not agreed"


def standing(request: HttpRequest) -> Standing:
    """How whoever sends this request decided."""
    if is_paused(request):
        return Standing.OFF
    shopper = Shopper.objects.asking(request)
    if shopper is not None and not shopper.personalised:
        return Standing.OFF
    return Standing.ON if has_agreed(request) else Standing.NOT_AGREED


def is_personalised(request: HttpRequest) -> bool:
    """Whether lists may depend on who sends this request."""
    return standing(request) == Standing.ON


def switch_off(request: HttpRequest, response: HttpResponse) -> None:
    """Neither read nor record whoever sends this request from now on.

    A user's history is kept unread, until it is switched on or erased. A visitor's cookie is replaced by one that says
    "off" and nothing else: what was kept under the old one could never be reached again, so it is erased.
    """
    if is_logged_in(request):
        with Shopper.objects.atomic_writing():
            shopper, _ = Shopper.objects.get_or_create(user=request.user)
            Shopper.objects.filter(pk=shopper.pk).update(personalised=False)
    else:
        forget_visitor(request, response)
    forget_who_asked(request)


def switch_on(request: HttpRequest, response: HttpResponse) -> None:
    """Read and record again: a user's history is what it was, a visitor begins anew."""
    if is_logged_in(request):
        Shopper.objects.filter(user=request.user).update(personalised=True)
    elif (visitor := Shopper.objects.asking(request)) is not None and not visitor.personalised:
        # Erased by the shop, or by an answer that never arrived.
        drop_cookie(response)
    drop_off_cookie(response)
    forget_who_asked(request)


def erase_all(request: HttpRequest, response: HttpResponse) -> None:
    """Erase what is kept of whoever sends this request, and record nothing more until it is switched on."""
    if is_logged_in(request):
        shopper, _ = Shopper.objects.get_or_create(user=request.user)
        erase(shopper)
    else:
        forget_visitor(request, response)
    forget_who_asked(request)


def forget_visitor(request: HttpRequest, response: HttpResponse) -> None:
    """Erase the visitor, and put a cookie that identifies nobody in place of the one that did."""
    if (visitor := Shopper.objects.asking(request)) is not None:
        erase(visitor)
    give_off_cookie(request, response)


def forget_who_asked(request: HttpRequest) -> None:
    """The shopper was looked up once for this request, before it changed."""
    request.__dict__.pop("_recommendations_shopper", None)
