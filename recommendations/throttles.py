"""How much of one sender is too much; far above what people do."""

import ipaddress
from typing import Any

from django.http import HttpRequest
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.throttling import SimpleRateThrottle
from rest_framework.views import APIView

from .conf import get_config
from .logs import log
from .models.shopper import hash_key, is_logged_in

IPV6_PREFIX = 64


class OpenThrottle(SimpleRateThrottle):
    """Lets everybody through when the cache is down: a lost event is worse than one too many."""

    def allow_request(self, request: Request, view: APIView) -> bool:
        return self.allow(request, view)

    def allow(self, request: Request | HttpRequest, view: APIView | None = None, events: int = 1) -> bool:
        """Whether so many may come; they are counted if so. With 0, whether one more may; nothing is counted."""
        try:
            return self._count(request, view, events)
        except Exception as error:  # whatever the shop's cache raises
            log("cache_down", error)
            return True

    def wait(self, events: int = 1) -> float:
        """After allow() refused: seconds after which so many may come, if nobody else does."""
        until_free = len(self.history) + events - self.num_requests
        oldest = self.history[-until_free:]  # the newest is the first
        return float(oldest[0] + self.duration - self.now) if oldest else self.duration

    def _count(self, request: Request | HttpRequest, view: APIView | None, events: int) -> bool:
        self.key = self.get_cache_key(request, view)
        if self.key is None:
            return True
        self.now = self.timer()
        # What a clock that was set back makes a time to come would count until then.
        past = self.cache.get(self.key, [])
        self.history = [time for time in past if self.now - self.duration < time <= self.now]
        is_allowed = len(self.history) + max(events, 1) <= self.num_requests
        if is_allowed and events:
            self.cache.set(self.key, [self.now] * events + self.history, self.duration)
        return is_allowed

    def named(self, ident: Any) -> str:
        """The cache key of a caller; hashed, since the raw key is a credential."""
        return f"recommendations-{self.scope}-{hash_key(str(ident))}"


class ShopperThrottle(OpenThrottle):
    """What one shopper may send; far above what a person does."""

    scope, rate = "shopper", "120/min"

    def get_cache_key(self, request: Request | HttpRequest, view: APIView | None) -> str | None:
        if is_logged_in(request):
            return self.named(f"user {request.user.pk}")
        key = request.COOKIES.get(get_config().COOKIE_NAME)
        return self.named(f"key {key}") if key else None


class AddressThrottle(OpenThrottle):
    """What one address may send; many people may share it."""

    scope, rate = "address", "1200/min"

    def get_cache_key(self, request: Request | HttpRequest, view: APIView | None) -> str | None:
        return self.named(_subscriber(self.get_ident(request)))

    def get_ident(self, request: Request | HttpRequest) -> str:
        """The address, as far as it can be believed: what a caller writes into X-Forwarded-For is no address.

        With REST_FRAMEWORK["NUM_PROXIES"] as DRF has it. Without: the last entry, which the nearest proxy wrote, when
        the connection comes from a machine of ours; else the connection's own.
        """
        if api_settings.NUM_PROXIES is not None:
            return str(super().get_ident(request))
        return believed_address(request)


class WritingThrottle(ShopperThrottle):
    """What one shopper may change; never by address, which many may share: nobody keeps another from erasing."""

    scope = "writing"

    def get_cache_key(self, request: Request | HttpRequest, view: APIView | None) -> str | None:
        return None if request.method in SAFE_METHODS else super().get_cache_key(request, view)


class NewcomersThrottle(AddressThrottle):
    """What visitors of one address may write that makes a shopper of whoever has no cookie."""

    scope, rate = "newcomers", "120/min"

    def get_cache_key(self, request: Request | HttpRequest, view: APIView | None) -> str | None:
        may_be_new = request.method == "POST" and not is_logged_in(request)
        return super().get_cache_key(request, view) if may_be_new else None


class NewVisitorsThrottle(AddressThrottle):
    """How many visitors of one address the shop's own pages may give a cookie."""

    scope, rate = "new-visitors", "120/min"


class WhyThrottle(ShopperThrottle):
    """What one shopper may ask that takes several lists to answer."""

    scope, rate = "why", "60/min"


class WhyAddressThrottle(AddressThrottle):
    """The same for one address."""

    scope, rate = "why-address", "600/min"


class FailedLoginsThrottle(AddressThrottle):
    """How many wrong passwords may come from one address."""

    scope, rate = "failed-logins", "20/min"


def believed_address(request: Request | HttpRequest) -> str:
    """Where a request comes from, behind one proxy or none."""
    address = request.META.get("REMOTE_ADDR") or ""
    told = request.META.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip()
    return told if told and _is_ours(address) else address


def _is_ours(address: str) -> bool:
    """Whether it is no address of the Internet: a proxy on this machine or beside it, or a socket."""
    parsed = _parsed(address)
    return not address if parsed is None else not parsed.is_global


def _subscriber(address: str) -> str:
    """Whom an address stands for: of IPv6 everybody has a whole network of 64 bits."""
    parsed = _parsed(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Network((int(parsed), IPV6_PREFIX), strict=False))
    return address if parsed is None else str(parsed)


def _parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address, and an IPv4 address in the form of IPv6 as what it is; None for what is none."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return None
    return getattr(parsed, "ipv4_mapped", None) or parsed
