from collections.abc import Iterable
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from ..catalog import Card
from ..exceptions import UnknownPlacement
from ..serving import Recommendation, RecommendationList, recommend
from ..serving.asking import query_of
from ..serving.placements import MAX_LIMIT, PLACEMENTS, get_placement
from ..serving.reasons import Anchor, Fact, NoReason, Reason
from .edge import Endpoint, page_request, product_id_in, whole_number
from .errors import BadField


class ListsEndpoint(Endpoint):
    """GET ?placement=home&limit=10[&product=ID][&of=MODEL]: one list, as the template tag would show it."""

    def get(self, request: Request) -> Response:
        values = request.query_params
        placement, product = values.get("placement", ""), ""
        if values.get("product"):
            product = product_id_in(values)
        limit = whole_number(values, "limit", default=10, least=1, most=MAX_LIMIT)
        try:
            spot = get_placement(placement)
        except UnknownPlacement:
            raise BadField.expected("placement", f"one of {', '.join(PLACEMENTS)}", placement) from None
        if spot.needs_product and not product:
            raise BadField.expected("product", f"the id of a product: {placement} is about one")
        try:
            query = query_of(page_request(request), placement, limit, product, of=values.get("of", ""))
        except UnknownPlacement as error:
            raise BadField("of", str(error)) from None
        return Response(as_json(recommend(query)))


def as_json(found: RecommendationList) -> dict[str, Any]:
    """The list as sent."""
    return {
        "placement": found.placement,
        "version": found.version,
        "token": found.token,
        "recommendations": [_recommendation(recommendation) for recommendation in found.recommendations],
    }


def _recommendation(shown: Recommendation) -> dict[str, Any]:
    reason = reason_as_json(shown.reason)
    return {
        "rank": shown.rank,
        "score": shown.score,
        "source": shown.source,
        "product": product_as_json(shown.card),
        "reason": reason,
        "labelled": shown.is_labelled and reason["kind"] != "none",
    }


def product_as_json(card: Card) -> dict[str, Any]:
    """A product as sent."""
    # A decimal as text: binary floats are no money.
    price = {"amount": f"{card.price.amount:f}", "currency": card.price.currency} if card.price else None
    return {"id": card.product_id, "title": card.title, "url": card.url, "image": card.image, "price": price}


def reason_as_json(reason: Reason) -> dict[str, Any]:
    """A reason as sent; none where it can't be said."""
    text = reason.text
    if not text:
        reason = NoReason()
    counted = {"shoppers": reason.shoppers} if isinstance(reason, Fact) and reason.shoppers else {}
    return {
        "kind": reason.kind,
        "tier": reason.tier,
        "text": text,
        "anchors": anchors_as_json(reason.anchors),
        "verified": reason.verified,
        **counted,
    }


def anchors_as_json(anchors: Iterable[Anchor]) -> list[dict[str, str]]:
    """Products and searches of a history as sent."""
    return [{"type": anchor.type, "id": anchor.id, "title": anchor.title, "event": anchor.event} for anchor in anchors]
