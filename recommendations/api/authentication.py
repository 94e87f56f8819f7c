"""Who calls, and from where: the shop's own pages by cookie, its other systems by password."""

from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http.request import is_same_domain
from rest_framework.authentication import BasicAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied, Throttled
from rest_framework.request import Request

from ..models.texts import is_storable
from ..throttles import FailedLoginsThrottle

SAFE = ("GET", "HEAD", "OPTIONS")


class PasswordAuthentication(BasicAuthentication):
    """HTTP Basic for systems without a browser.

    Browsers add a password that protects a whole site (as test sites often are) to each request by themselves: from
    them it says nothing of ours, and proves no intent. A refusal never makes a browser ask for a password.
    """

    def authenticate(self, request: Request) -> tuple[Any, None] | None:
        if "Sec-Fetch-Site" in request.headers or "Origin" in request.headers:
            return None
        return super().authenticate(request)

    def authenticate_credentials(self, userid: str, password: str, request: Request | None = None) -> tuple[Any, None]:
        """Wrong passwords are counted by address, and over the limit none is looked at. Raises Throttled."""
        throttle = FailedLoginsThrottle()
        if not throttle.allow(request, events=0):
            raise Throttled(throttle.wait())
        try:
            if not is_storable(userid):  # PostgreSQL raises for it, instead of finding nobody
                raise AuthenticationFailed("Invalid username/password.")
            return super().authenticate_credentials(userid, password, request)
        except AuthenticationFailed:
            throttle.allow(request)
            raise

    def authenticate_header(self, request: Request) -> str:
        # DRF answers 403 instead of 401 when the first class has no header.
        return ""


class VisitorAuthentication(SessionAuthentication):
    """The session's user, or a visitor as an AnonymousUser, whatever the shop's own API takes visitors for."""

    def authenticate(self, request: Request) -> tuple[Any, None]:
        return super().authenticate(request) or (AnonymousUser(), None)


class CsrfSessionAuthentication(VisitorAuthentication):
    """Every write needs the CSRF token, also a visitor's: the cookie is an identity too."""

    def authenticate(self, request: Request) -> tuple[Any, None]:
        if request.method not in SAFE:
            super().enforce_csrf(request)
        return super().authenticate(request)

    def enforce_csrf(self, request: Request) -> None:
        """Done before anybody is looked up."""


class SameOriginAuthentication(VisitorAuthentication):
    """No CSRF token, which `navigator.sendBeacon` can't send: the browser must say that this site's page asks."""

    def authenticate(self, request: Request) -> tuple[Any, None]:
        if not is_same_origin(request):
            raise PermissionDenied(
                "This address takes requests of this site's own pages: expected Sec-Fetch-Site: same-origin, or "
                "Origin with this site's host (or one of CSRF_TRUSTED_ORIGINS)."
            )
        return super().authenticate(request)

    def enforce_csrf(self, request: Request) -> None:
        """The origin was checked instead."""


def is_same_origin(request: Request) -> bool:
    """Whether the browser says so, or that it is an origin which the shop trusts; whoever says nothing is refused."""
    origin = request.headers.get("Origin", "")
    if any(_matches(origin, trusted) for trusted in settings.CSRF_TRUSTED_ORIGINS):
        return True
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    # Compared as it is, not parsed: what is no address is no address of ours.
    return origin == f"{request.scheme}://{request.get_host()}"


def _matches(origin: str, trusted: str) -> bool:
    """As Django reads CSRF_TRUSTED_ORIGINS: "https://example.com", "https://*.example.com"."""
    (scheme, _, host), (its_scheme, _, pattern) = origin.partition("://"), trusted.partition("://")
    return scheme == its_scheme and is_same_domain(host, pattern.lstrip("*"))
