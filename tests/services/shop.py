"""A shop's web process, told what to do by lines on stdin: {"do": NAME, ...} in, the answer as one line of JSON out."""

import json
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import django

from tests.services.celery_app import app  # as a project's __init__.py does

django.setup()

from django.core.management import call_command  # noqa: E402
from django.forms.models import model_to_dict  # noqa: E402
from django.utils import timezone  # noqa: E402

from recommendations.exceptions import RecommendationsError  # noqa: E402
from recommendations.models import Interaction, RecommenderVersion, Shopper  # noqa: E402
from recommendations.publishing import current_recommender, publish, upload  # noqa: E402
from recommendations.retraining import cancel, reap, request_retraining  # noqa: E402
from recommendations.retraining.lease import Lease  # noqa: E402
from recommendations.serving import RecommendationQuery, recommend  # noqa: E402
from tests.retraining.made_shop import make_shop  # noqa: E402


def prepare() -> None:
    """Empty tables, then a small shop with a past."""
    call_command("migrate", run_syncdb=True, verbosity=0)
    make_shop()


def publish_directory(directory: str) -> int:
    version = RecommenderVersion.objects.create()
    upload(version, Path(directory))
    publish(version)
    return version.pk


def request() -> None:
    request_retraining("the test")


def age_all_but_the_newest() -> int:
    """All that shoppers did becomes too old to be kept, but one event; how many are too old."""
    newest = Interaction.objects.order_by("-occurred_at").values_list("pk", flat=True)[:1].get()
    return Interaction.objects.exclude(pk=newest).update(occurred_at=timezone.now() - timedelta(days=11_000))


def events() -> int:
    return Interaction.objects.count()


def versions() -> list[dict[str, Any]]:
    """Every version, oldest first."""
    fields = ["id", "status", "stage", "progress", "error", "started_by"]
    return [
        model_to_dict(version, fields) | {"id": version.pk} for version in RecommenderVersion.objects.order_by("pk")
    ]


def served() -> dict[str, Any]:
    """What a page shows now, and from which version."""
    loaded = current_recommender()
    shown = recommend(RecommendationQuery("home", Shopper.objects.order_by("pk").first(), limit=5))
    return {
        "version": loaded.version if loaded else None,
        "sources": sorted({entry.source for entry in shown.recommendations}),
        "count": len(shown.recommendations),
        "torch": "torch" in sys.modules,
    }


def take() -> int:
    return Lease.take("a race").version.pk


def hold_silently() -> dict[str, bool]:
    """Take the lease and report nothing, as in a long step: does the row show a sign of life, and does it hold?"""
    lease = Lease.take("a long step")
    begun = lease.version.heartbeat_at
    with lease.beating():
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            time.sleep(0.05)
            beaten = RecommenderVersion.objects.get(pk=lease.version.pk).heartbeat_at > begun
            if beaten:
                break
        reaped = reap()
    return {"beaten": beaten, "reaped": bool(reaped)}


ORDERS = {
    function.__name__: function
    for function in (
        *(prepare, publish_directory, request, versions, served, cancel, take, hold_silently),
        *(age_all_but_the_newest, events),
    )
}


def main() -> None:
    app.finalize()
    for line in sys.stdin:
        order = json.loads(line)
        try:
            answer = {"answer": ORDERS[order.pop("do")](**order)}
        except RecommendationsError as error:
            answer = {"error": type(error).__name__, "text": str(error)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
