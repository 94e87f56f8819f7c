"""Our two cookies: one that identifies a visitor, and one that says "off" and nothing else."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from .conf import get_config
from .models.shopper import OFF_COOKIE

# As long as browsers keep a cookie: who said no is not asked again when COOKIE_DAYS are over.
OFF_DAYS = 400


def give_cookie(request: HttpRequest, response: HttpResponse, key: str) -> None:
    """Set a new visitor's cookie; the response is this visitor's own from now on, and no cache may share it."""
    config = get_config()
    _set(request, response, config.COOKIE_NAME, key, config.COOKIE_DAYS)
    request.recommendations_personal = True  # type: ignore[attr-defined]
    request._cache_update_cache = False  # type: ignore[attr-defined]


def give_off_cookie(request: HttpRequest, response: HttpResponse) -> None:
    """Put the cookie that identifies nobody in place of the one that did."""
    drop_cookie(response)
    _set(request, response, OFF_COOKIE, "1", OFF_DAYS)


def drop_cookie(response: HttpResponse) -> None:
    """Take a visitor's cookie away."""
    response.delete_cookie(get_config().COOKIE_NAME, samesite="Lax")


def drop_off_cookie(response: HttpResponse) -> None:
    """Take away the one that says "off"."""
    response.delete_cookie(OFF_COOKIE, samesite="Lax")


def _set(request: HttpRequest, response: HttpResponse, name: str, value: str, days: int) -> None:
    # Behind a proxy that Django was not told of, only the shop's own cookies say that it is HTTPS.
    secure = request.is_secure() or settings.SESSION_COOKIE_SECURE
    response.set_cookie(name, value, max_age=days * 24 * 3600, secure=secure, httponly=True, samesite="Lax")
