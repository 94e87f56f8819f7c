from dataclasses import asdict
from typing import Any

from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from ..serving import Because, InvalidToken, open_token, why
from ..serving.asking import anchor_in, query_of_list, shopper_of
from ..serving.looking import Comparison, compare
from ..throttles import WhyAddressThrottle, WhyThrottle
from .edge import Endpoint, page_request, product_id_in
from .errors import BadField
from .lists import anchors_as_json, product_as_json, reason_as_json


class WhyEndpoint(Endpoint):
    """GET ?token=TOKEN&product=ID[&anchor=ID or &searched=TEXT][&compared=ID][&further=1]: why a list shows a product.

    Computed again now. Each cause comes with its proof and with the list as it would be without what it names, a fact
    about the history with that list too; beside the product `compared`, the comparison tells what of the history makes
    the difference.
    """

    throttle_classes = (WhyThrottle, WhyAddressThrottle)
    failure = Exception

    def get(self, request: Request) -> Response:
        values, page = request.query_params, page_request(request)
        try:
            token = open_token(values.get("token", ""), shopper_of(page))
            query = query_of_list(page, token)
        except InvalidToken as error:
            field, message = str(error).split(": ", 1)
            raise BadField(field, message) from None
        product_id, compared = product_id_in(values), values.get("compared", "")
        told = why(query, product_id, anchor_in(values) if token.is_row else None, values.get("further") == "1")
        if told.recommendation is None:
            detail = "The product is not in this list any more: the list has changed since it was made."
            return Response({"detail": detail}, status.HTTP_404_NOT_FOUND)

        def cause(reason: Because) -> dict[str, Any]:
            evidence = asdict(reason.evidence)
            return {**reason_as_json(reason), "evidence": evidence, "without": told.without(reason.anchors).product_ids}

        return Response(
            {
                "product": product_as_json(told.recommendation.card),
                "rank": told.recommendation.rank,
                "source": told.recommendation.source,
                "promoted": told.recommendation.is_promoted,
                "changed": token.change(told.again),
                "reason": reason_as_json(told.reason),
                "causes": [cause(reason) for reason in told.causes],
                "remembered": anchors_as_json(told.remembered),
                "without": told.without(told.remembered).product_ids if told.remembered else None,
                "comparison": _as_json(compare(told.inspection, product_id, compared) if compared else None),
            }
        )


def _as_json(comparison: Comparison | None) -> dict[str, Any] | None:
    return comparison and {
        "product": product_as_json(comparison.other),
        "for_it": anchors_as_json(comparison.for_it),
        "for_the_other": anchors_as_json(comparison.for_the_other),
        "complete": comparison.complete,
    }
