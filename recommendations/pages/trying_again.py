"""What a shopper reads instead of a page of ours when the database can't answer."""

from collections.abc import Callable
from functools import wraps

from django.db import Error as DatabaseFailure
from django.db.transaction import non_atomic_requests
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.cache import add_never_cache_headers

from ..boundary import RETRY_SECONDS
from ..logs import log

View = Callable[..., HttpResponse]


def or_try_again(view: View) -> View:
    """Decorate a page that shows or changes a shopper's own data: it asks the shopper to try again, with 503 and
    Retry-After, when the database can't answer.

    Never inside ATOMIC_REQUESTS: what a page says was done is said after the commit.
    """

    @wraps(view)
    def answered(request: HttpRequest) -> HttpResponse:
        try:
            return view(request)
        except DatabaseFailure as error:
            log("request_not_served", error, endpoint=view.__name__)
            return _try_again()

    non_atomic_requests(answered)
    return answered


def _try_again() -> HttpResponse:
    # Without the request: what the shop puts into its pages may ask the database.
    html = render_to_string("recommendations/pages/try_again.html")
    response = HttpResponse(html, status=503, headers={"Retry-After": str(RETRY_SECONDS)})
    add_never_cache_headers(response)
    return response
