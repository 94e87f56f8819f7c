"""What staff may ask."""

from ..versions import MOST
from .writing import answer, exactly, number, one_of, operation, query, ref

STAFF = {
    "/retrain/": {
        "post": operation(
            "Queue a retraining (permission recommendations.retrain)",
            "retrain",
            {"202": answer("Queued.", exactly(status=one_of("queued")))},
            409,
        )
    },
    "/versions/": {
        "get": operation(
            "The newest versions (permission recommendations.view_recommenderversion)",
            "versions",
            {"200": answer("Newest first.", ref("Versions"))},
            400,
            parameters=[query("limit", number(1, MOST, default=20))],
        )
    },
    "/schema/": {"get": operation("This document", "schema", {"200": answer("OpenAPI 3.0.", {"type": "object"})})},
}
