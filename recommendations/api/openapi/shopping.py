"""What a shop's pages and other systems ask and tell."""

from collections.abc import Iterable

from ...models.product import MAX_PRODUCT_ID
from ...serving.placements import MAX_LIMIT, PLACEMENTS
from ..events import MOST_LETTERS
from .shapes import KINDS, PRODUCT_ID
from .writing import TIME, Json, answer, body, exactly, many, nullable, number, one_of, operation, query, ref, words

ABOUT = {"anyOf": [PRODUCT_ID, number()], "nullable": True}
OPTIONAL = ("product", "query", "event_id", "occurred_at", "quantity", "token", "shopper")
EVENT = exactly(
    OPTIONAL,
    kind=one_of(*KINDS),
    product=ABOUT,
    query=nullable(words(MOST_LETTERS["query"], 0)),
    event_id=nullable(words(MOST_LETTERS["event_id"], 0)),
    occurred_at=nullable(TIME),
    quantity=number(1, 2**31 - 1),
    token=nullable({"type": "string"}),
    shopper=nullable(words(MOST_LETTERS["shopper"], 0)),
)
LINKS = {
    "why": {
        "operationId": "why",
        "parameters": {
            "token": "$response.body#/token",  # nosec B105
            "product": "$response.body#/recommendations/0/product/id",
        },
    },
}


def shopping(models: Iterable[str]) -> Json:
    """The paths; `of` is one of `models`."""
    return {
        "/lists/": {
            "get": operation(
                "One list, as the template tag would show it",
                "list",
                {"200": answer("The list.", ref("List"), links=LINKS)},
                400,
                parameters=[
                    query("placement", one_of(*PLACEMENTS), required=True),
                    query("limit", number(1, MAX_LIMIT, default=10)),
                    query("product", words(MAX_PRODUCT_ID, 0)),
                    query("of", one_of("", *models)),
                ],
            )
        },
        "/why/": {
            "get": operation(
                "Why a list shows a product, computed again now",
                "why",
                {"200": answer("The reason and its proof.", ref("Why"))},
                400,
                404,
                parameters=[
                    query("token", {"type": "string"}, required=True),
                    query("product", {"type": "string"}, required=True),
                    query("anchor", {"type": "string"}),
                    query("searched", {"type": "string"}),
                    query("compared", {"type": "string"}),
                    query("further", {"type": "string"}),
                ],
            )
        },
        "/interactions/": {
            "post": operation(
                "What was done: one event, or a list of at most 500; all are stored or none",
                "interact",
                {"201": answer("Stored.", ref("Accepted"))},
                400,
                415,
                requestBody=body(
                    {"oneOf": [EVENT, many(EVENT, minItems=1, maxItems=500)]}, "application/json", "text/plain"
                ),
            )
        },
    }
