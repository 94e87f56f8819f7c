"""What whoever asks decides about what is kept."""

from .shapes import PRODUCT_ID, QUERY
from .writing import FLAG, TEXT, answer, body, exactly, number, operation, query, ref

DONE = {"204": answer("Done.")}
UNIT = [query("product", PRODUCT_ID), query("query", QUERY)]
FILE = {"Content-Disposition": {"schema": TEXT}}

DECIDING = {
    "/history/": {
        "get": operation(
            "What is remembered and what was removed, newest first, and the interests read from it",
            "history",
            {"200": answer("The history.", ref("History"))},
            400,
            parameters=[query("limit", number(1, 500, default=100))],
        ),
        "delete": operation("Forget a product, or a search", "forget", DONE, 400, 404, parameters=UNIT),
    },
    "/history/restore/": {
        "post": operation(
            "Undo a removal within 30 days",
            "restore",
            {"200": answer("The history.", ref("History"))},
            400,
            404,
            415,
            requestBody=body({"oneOf": [exactly(product=PRODUCT_ID), exactly(query=QUERY)]}),
        )
    },
    "/hidden/": {
        "get": operation("What is not to be shown", "hidden", {"200": answer("The products.", ref("Hidden"))}),
        "post": operation(
            "Not interested; with fewer_like_it also less like this",
            "hide",
            {"201": answer("Hidden.", ref("Hidden"))},
            400,
            409,
            415,
            requestBody=body(exactly(("fewer_like_it",), product=PRODUCT_ID, fewer_like_it=FLAG)),
        ),
        "delete": operation(
            "Show it again", "show_again", DONE, 400, 404, parameters=[query("product", PRODUCT_ID, required=True)]
        ),
    },
    "/personalisation/": {
        "get": operation(
            "Whether anything is read and recorded",
            "is_personalised",
            {"200": answer("Whether it is.", ref("Personalised"))},
        ),
        "put": operation(
            "Switch it off or on",
            "personalise",
            {"200": answer("As it is now.", ref("Personalised"))},
            400,
            415,
            requestBody=body(exactly(personalised=FLAG)),
        ),
    },
    "/export/": {
        "get": operation(
            "Everything kept, as a file", "export", {"200": answer("The file.", ref("Export"), headers=FILE)}
        )
    },
    "/me/": {"delete": operation("Erase everything kept", "erase", DONE)},
}
