from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from django.http import HttpRequest
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from .. import controls
from ..capture.events import tidy_query
from ..models import Interaction, Shopper
from ..models.texts import is_storable
from ..serving.asking import shopper_of
from .edge import Endpoint, page_request, product_id_in, sent_object, whole_number
from .errors import BadField
from .unread import unread

MOST = 500


class HistoryEndpoint(Endpoint):
    """GET [?limit=100]: what is remembered of whoever asks, and the interests read from it.

    DELETE ?product=ID (or ?query=TEXT): forget that.
    """

    def get(self, request: Request) -> Response:
        limit = whole_number(request.query_params, "limit", default=100, least=1, most=MOST)
        return Response(history_body(page_request(request), limit))

    def delete(self, request: Request) -> Response:
        unit, shopper = _unit(request.query_params), _shopper(request)
        if shopper is None or not controls.remove(shopper, **unit):
            return _not_found(request, "Nothing of it is remembered.")
        return Response(status=status.HTTP_204_NO_CONTENT)


class RestoreEndpoint(Endpoint):
    """POST {"product": ID} (or {"query": TEXT}): undo a removal; answers with the history."""

    def post(self, request: Request) -> Response:
        unit, shopper = _unit(sent_object(request, "product", "query")), _shopper(request)
        # One transaction: a 503 for the history, which is read afterwards, says that nothing was restored.
        with Interaction.objects.atomic():
            if shopper is None or not controls.restore(shopper, **unit):
                return _not_found(request, "It was not removed.")
            return Response(history_body(page_request(request), limit=100))


def history_body(request: HttpRequest, limit: int) -> dict[str, Any]:
    """What is remembered and what was removed, newest first, and the interests read from it; titles as the shopper may
    see them."""
    request.recommendations_personal = True  # type: ignore[attr-defined]
    shopper = shopper_of(request)
    met = controls.history_of(shopper)[:limit] if shopper else []
    removed = controls.removed_by(shopper)[:limit] if shopper else []
    ids = {unit.product_id for unit in [*met, *removed] if unit.product_id}
    seen = controls.seen_by(shopper, ids, request)

    def body(unit: controls.Met | controls.Removed) -> dict[str, Any]:
        return {
            "type": "product" if unit.product_id else "query",
            "id": unit.product_id or unit.query,
            "title": seen[unit.product_id].title if unit.product_id else unit.query,
        }

    return {
        "history": [
            body(one) | {"event": one.event, "last": one.last.isoformat(), "events": one.events} for one in met
        ],
        "removed": [{**body(one), "removed_at": one.removed_at.isoformat()} for one in removed],
        "interests": [asdict(one) for one in controls.interests_of(shopper, request)] if shopper else [],
    }


def _shopper(request: Request) -> Shopper | None:
    return shopper_of(page_request(request))


def _unit(values: Mapping[str, Any]) -> dict[str, str]:
    product, query = values.get("product"), values.get("query")
    if query is None:
        return {"product_id": product_id_in(values)}
    if product is not None:
        raise BadField.expected("query", "none beside a product", query)
    if not isinstance(query, str) or not is_storable(query) or not tidy_query(query):
        raise BadField.expected("query", "the words of a search", query)
    return {"query": tidy_query(query)}


def _not_found(request: Request, detail: str) -> Response:
    return Response({"detail": unread(page_request(request)) or detail}, status.HTTP_404_NOT_FOUND)
