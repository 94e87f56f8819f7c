from typing import Any

from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle
from rest_framework.views import APIView

from ..conf import get_config
from ..logs import log
from ..models.shopper import hash_key


class OpenThrottle(SimpleRateThrottle):
    """Lets everybody through when the cache is down: a lost event is worse than one too many."""

    def allow_request(self, request: Request, view: APIView) -> bool:
        try:
            return super().allow_request(request, view)
        except Exception as error:  # whatever the shop's cache raises
            log("cache_down", error)
            return True

    def named(self, ident: Any) -> str:
        """The cache key of a caller; hashed, since the raw key is a credential."""
        return f"recommendations-{self.scope}-{hash_key(str(ident))}"


class ShopperThrottle(OpenThrottle):
    """What one shopper may send; far above what a person does."""

    scope, rate = "shopper", "120/min"

    def get_cache_key(self, request: Request, view: APIView) -> str | None:
        if request.user and request.user.is_authenticated:
            return self.named(f"user {request.user.pk}")
        key = request.COOKIES.get(get_config().COOKIE_NAME)
        return self.named(f"key {key}") if key else None


class AddressThrottle(OpenThrottle):
    """What one address may send; many people may share it."""

    scope, rate = "address", "1200/min"

    def get_cache_key(self, request: Request, view: APIView) -> str | None:
        return self.named(self.get_ident(request))
