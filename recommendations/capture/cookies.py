from django.http import HttpRequest, HttpResponse

from ..conf import get_config


def give_cookie(request: HttpRequest, response: HttpResponse, key: str) -> None:
    """Set a new visitor's cookie; the response is this visitor's own from now on, and no cache may share it."""
    config = get_config()
    response.set_cookie(
        config.COOKIE_NAME,
        key,
        max_age=config.COOKIE_DAYS * 24 * 3600,
        secure=request.is_secure(),
        httponly=True,
        samesite="Lax",
    )
    request.recommendations_personal = True  # type: ignore[attr-defined]
    request._cache_update_cache = False  # type: ignore[attr-defined]
