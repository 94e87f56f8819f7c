from datetime import datetime
from typing import Any

from django.utils import timezone

from ..ml.kinds import Kind
from ..models import Interaction, Shopper
from .remembering import hidden_by, removed_by


def export(shopper: Shopper, now: datetime | None = None) -> dict[str, Any]:
    """Everything kept of the shopper, as plain values for JSON; times in ISO 8601, newest first."""
    now = now or timezone.now()
    return {
        "exported_at": now.isoformat(),
        "shopper": {
            "since": shopper.created_at.isoformat(),
            "last_seen": shopper.last_seen.isoformat() if shopper.last_seen else None,
            "external_id": shopper.external_id,
            "personalised": shopper.personalised,
            "erased_at": shopper.erased_at.isoformat() if shopper.erased_at else None,
        },
        "interactions": _interactions(shopper),
        "removed": [
            {"product": one.product_id, "query": one.query, "removed_at": one.removed_at.isoformat()}
            for one in removed_by(shopper, now)
        ],
        "hidden": [
            {"product": one.product_id, "fewer_like_it": one.fewer_like_it, "until": one.until.isoformat()}
            for one in hidden_by(shopper, now)
        ],
    }


def _interactions(shopper: Shopper) -> list[dict[str, Any]]:
    rows = Interaction.objects.remembered().filter(shopper=shopper).order_by("-occurred_at", "-pk")
    columns = ("kind", "product__product_id", "product__title", "query", "quantity", "occurred_at", "source")
    return [
        {
            "kind": Kind(kind).name.lower(),
            "product": product_id or "",
            "title": title or "",
            "query": query,
            "quantity": quantity,
            "occurred_at": occurred_at.isoformat(),
            "source": Interaction.Source(source).name.lower(),
        }
        for kind, product_id, title, query, quantity, occurred_at, source in rows.values_list(*columns).iterator()
    ]
