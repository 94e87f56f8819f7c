from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.db.models import Exists, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from ..ml.kinds import Kind
from ..models import HiddenProduct, Interaction, RemovedProduct, Shopper
from .erasing import rows_of
from .interests import interests_of
from .seeing import seen_by


def export(shopper: Shopper, request: HttpRequest | None, now: datetime | None = None) -> dict[str, Any]:
    """Everything kept of the shopper, as plain values for JSON; times in ISO 8601, newest first.

    That holds what was removed and is read by nothing, but not deleted yet: it is marked. Left out is what only guards
    the rest: the hash of the cookie and the hashes that tell an event from its repetition. Interests are not kept but
    read from it, as for the shopper's own page: none while personalisation is off. Titles are what whoever sends the
    request may see.
    """
    now = now or timezone.now()
    mine = rows_of(shopper)
    interactions = _interactions(mine)
    seen = seen_by(shopper, {row["product"] for row in interactions if row["product"]}, request)
    told = {product_id for product_id, one in seen.items() if one.is_told}
    return {
        "exported_at": now.isoformat(),
        "shopper": {
            "since": shopper.created_at.isoformat(),
            "last_seen": shopper.last_seen.isoformat() if shopper.last_seen else None,
            "external_id": shopper.external_id,
            "personalised": shopper.personalised,
            "erased_at": shopper.erased_at.isoformat() if shopper.erased_at else None,
        },
        "interactions": [row | {"title": seen[row["product"]].title if row["product"] else ""} for row in interactions],
        "removed": [
            {
                "product": product_id or "",
                "query": query,
                "query_hash": hash_,
                "shown_again": shown_again,
                "removed_at": removed_at.isoformat(),
            }
            for product_id, query, hash_, shown_again, removed_at in _rows(
                RemovedProduct, mine, "query", "query_hash", "shown_again", "removed_at"
            )
        ],
        "hidden": [
            {"product": product_id, "fewer_like_it": fewer_like_it, "until": until.isoformat()}
            for product_id, fewer_like_it, until in _rows(HiddenProduct, mine, "fewer_like_it", "until")
        ],
        "interests": [asdict(one) for one in interests_of(shopper, request, told)] if shopper.personalised else [],
    }


def _rows(
    model: type[RemovedProduct] | type[HiddenProduct], shoppers: QuerySet[Shopper], *columns: str
) -> Iterable[tuple[Any, ...]]:
    rows = model.objects.filter(shopper__in=shoppers).order_by("-" + columns[-1], "-pk")
    return rows.values_list("product__product_id", *columns)


def _interactions(shoppers: QuerySet[Shopper]) -> list[dict[str, Any]]:
    rows = Interaction.objects.filter(shopper__in=shoppers).order_by("-occurred_at", "-pk")
    rows = rows.annotate(removed=Exists(RemovedProduct.objects.covering()))
    columns = ("kind", "product__product_id", "query", "quantity", "occurred_at", "source", "list_id", "removed")
    found = rows.values_list(*columns).iterator()
    return [
        {
            "kind": Kind(kind).name.lower(),
            "product": product_id or "",
            "title": "",
            "query": query,
            "quantity": quantity,
            "occurred_at": occurred_at.isoformat(),
            "source": Interaction.Source(source).name.lower(),
            "list": None if list_id is None else str(list_id),
            "removed": removed,
        }
        for kind, product_id, query, quantity, occurred_at, source, list_id, removed in found
    ]
