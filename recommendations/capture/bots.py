"""Whose views are nobody's: programs that say so in their user agent."""

from functools import lru_cache

from crawleruseragents import is_crawler
from django.conf import settings
from django.http import HttpRequest

MAX_LENGTH = 512


def is_bot(request: HttpRequest) -> bool:
    """Whether a known crawler sent this (the kept list of crawler-user-agents).

    Never with DEBUG: there the programs are the developer's own, and a headless browser that tests the shop should see
    what a shopper sees.
    """
    return not settings.DEBUG and _is_crawler(request.META.get("HTTP_USER_AGENT", "")[:MAX_LENGTH])


# Hundreds of expressions are tried: a shop sees few user agents, again and again.
@lru_cache(maxsize=4096)
def _is_crawler(user_agent: str) -> bool:
    return bool(user_agent) and is_crawler(user_agent)
