"""Whose views are nobody's: programs that say so in their user agent, and browsers that load a page ahead."""

from functools import lru_cache

from crawleruseragents import is_crawler
from django.conf import settings
from django.http import HttpRequest

from ..models.shopper import is_logged_in

MAX_LENGTH = 512


def is_bot(request: HttpRequest) -> bool:
    """Whether a known crawler sent this (the kept list of crawler-user-agents); nobody who is logged in is one.

    Libraries that crawlers use are what a shop's own app may be built with, so no order asks this.
    Never with DEBUG: there the programs are the developer's own, and a headless browser that tests the shop should see
    what a shopper sees.
    """
    agent = request.META.get("HTTP_USER_AGENT", "")[:MAX_LENGTH]
    return not settings.DEBUG and _is_crawler(agent) and not is_logged_in(request)


def is_ahead_of_time(request: HttpRequest) -> bool:
    """Whether the browser fetches a page that was not asked for yet, and maybe never is."""
    return "prefetch" in request.headers.get("Sec-Purpose", request.headers.get("Purpose", ""))


# Hundreds of expressions are tried: a shop sees few user agents, again and again.
@lru_cache(maxsize=4096)
def _is_crawler(user_agent: str) -> bool:
    return bool(user_agent) and is_crawler(user_agent)
