"""From a page's request to a query: who asks, asked once a request."""

from collections.abc import Mapping
from dataclasses import replace

from django.http import HttpRequest

from ..boundary import CircuitBreaker, never_break
from ..catalog import product_id_of
from ..exceptions import UnknownPlacement
from ..models import Shopper
from ..models.shopper import django_request
from .queries import RecommendationQuery
from .tokens import InvalidToken, Token

_UNASKED = object()


def shopper_of(request: HttpRequest) -> Shopper | None:
    """Whose history this request may read, or None; one SELECT a request.

    Raises whatever the database raises: who shows or changes somebody's own data must not take a failure for nobody.
    """
    request = django_request(request)
    shopper = getattr(request, "_recommendations_shopper", _UNASKED)
    if shopper is _UNASKED:
        shopper = Shopper.objects.reading(request)
        request._recommendations_shopper = shopper  # type: ignore[attr-defined]
    return shopper


def reading_shopper(request: HttpRequest) -> Shopper | None:
    """The same for lists, which do without the shopper while the database does not answer."""
    known = getattr(django_request(request), "_recommendations_shopper", _UNASKED)
    return _shopper_if_any(request) if known is _UNASKED else known


@never_break(fallback=lambda request: None, breaker=CircuitBreaker())
def _shopper_if_any(request: HttpRequest) -> Shopper | None:
    return shopper_of(request)


def query_of(
    request: HttpRequest,
    placement: str,
    limit: int = 10,
    product: object = None,
    of: str = "",
) -> RecommendationQuery:
    """The query of whoever sends this request; marks its response as personal, so that no cache shares it.

    `product` is a product's id, or the shop's own product.

    Raises UnknownPlacement and ValueError for what can't be answered.
    """
    request = django_request(request)
    query = RecommendationQuery(
        placement=placement,
        shopper=reading_shopper(request),
        request=request,
        limit=limit,
        product_id=product_id_of(product) or None,
        of=of,
    )
    request.recommendations_personal = True  # type: ignore[attr-defined]
    # cache_page stores a response before the middleware can mark it: this is how a view tells it not to.
    request._cache_update_cache = False  # type: ignore[attr-defined]
    return query


def query_of_list(request: HttpRequest, token: Token) -> RecommendationQuery:
    """What the list of a token answers, asked again; of a row, what the list that it was cut from does.

    Raises InvalidToken where the shop no longer has what the token's list showed.
    """
    try:
        query = query_of(request, token.placement, token.limit, token.product_id, of=token.of)
    except UnknownPlacement as error:
        raise InvalidToken(f"token: of a list that this shop no longer has. {error}") from error
    return replace(query, promotes=not token.is_row)


def anchor_in(values: Mapping[str, str]) -> tuple[str, str] | None:
    """What a row "Because you ..." named, as its links say it: anchor=ID of a product, or searched=TEXT; (type, id)."""
    if searched := values.get("searched", ""):
        return "query", searched
    product_id = values.get("anchor", "")
    return ("product", product_id) if product_id else None
