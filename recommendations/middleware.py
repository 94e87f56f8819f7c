from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_cache_control, patch_vary_headers

from .cookies import drop_cookie


class RecommendationsMiddleware:
    """Keeps pages with a personal list out of shared caches, and drops the visitor's cookie at login."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if getattr(request, "recommendations_personal", False):
            patch_vary_headers(response, ["Cookie"])
            patch_cache_control(response, private=True)
        # Where a view failed under ATOMIC_REQUESTS, the merge was rolled back: the cookie still reaches the history.
        if getattr(request, "recommendations_drop_cookie", False) and response.status_code < 400:
            drop_cookie(response)
        return response
