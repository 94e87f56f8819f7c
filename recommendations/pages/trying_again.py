"""What a shopper reads instead of a page of ours that can't be made."""

from collections.abc import Callable
from functools import wraps
from math import ceil

from django.db import Error as DatabaseFailure
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.cache import add_never_cache_headers

from ..boundary import RETRY_SECONDS, outside_transactions
from ..logs import log
from ..mistakes import is_raised
from ..throttles import OpenThrottle

View = Callable[..., HttpResponse]


def or_try_again(view: View, failure: type[Exception] = DatabaseFailure) -> View:
    """Decorate a page that shows or changes a shopper's own data: it asks the shopper to try again, with 503 and
    Retry-After, when the database can't answer.

    With another `failure`, also where that is raised, as by the shop's own code; but what its developer is to see is
    raised (mistakes.py). Never inside ATOMIC_REQUESTS: what a page says was done is said after the commit.
    """

    @wraps(view)
    def answered(request: HttpRequest) -> HttpResponse:
        try:
            return view(request)
        except failure as error:
            if not isinstance(error, DatabaseFailure) and is_raised(error):
                raise
            log("request_not_served", error, endpoint=view.__name__)
            return _try_again(503, RETRY_SECONDS)

    return outside_transactions(answered)


def too_many(request: HttpRequest, *throttles: OpenThrottle) -> HttpResponse | None:
    """The answer 429 to whoever asks too often; None to everybody else."""
    refused = [throttle for throttle in throttles if not throttle.allow(request)]
    return _try_again(429, max(ceil(throttle.wait() or 1) for throttle in refused)) if refused else None


def _try_again(status: int, seconds: int) -> HttpResponse:
    # Without the request: what the shop puts into its pages may ask the database.
    html = render_to_string("recommendations/pages/try_again.html", {"too_many": status == 429})
    response = HttpResponse(html, status=status, headers={"Retry-After": str(seconds)})
    add_never_cache_headers(response)
    return response
