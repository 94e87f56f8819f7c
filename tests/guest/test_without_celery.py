"""A shop without Celery: `manage.py retrain_recommender` alone does all that is needed."""

import csv
import json
import random
from datetime import UTC, datetime, timedelta

import pytest

from tests.retraining.made_shop import QUICK

CLERK = """
import json
from django.contrib.auth.models import User
from django.test import Client
clerk = Client()
clerk.force_login(User.objects.get(username="clerk"))
"""
SEEN = """
import json
from django.test import Client
from goods.models import Product
from recommendations.models import Interaction, Product as Mirrored, ProductPopularity
visitor = Client(headers={"user-agent": "Mozilla/5.0 Firefox/150.0", "sec-fetch-site": "same-origin"})
views = [{"kind": "view", "product": str(k)} for k in (1, 2, 3)]
sent = visitor.post("/recommendations/v1/interactions/", views, content_type="application/json")
listed = visitor.get("/recommendations/v1/lists/?placement=home&limit=5").json()
print(json.dumps({
    "sent": sent.status_code,
    "sources": sorted({found["source"] for found in listed["recommendations"]}),
    "page": visitor.get("/").content.decode(),
    "mirrored": Mirrored.objects.count(),
    "counted": ProductPopularity.objects.count(),
    "oldest": min(Interaction.objects.values_list("occurred_at", flat=True)).isoformat(),
}))
"""
# Stored since then; an import leaves out what is so old.
THREE_YEARS_AGO = """
from datetime import timedelta
from django.utils import timezone
from recommendations.models import Interaction, Product, Shopper
Interaction.objects.create(
    shopper=Shopper.objects.first(), product=Product.objects.first(), kind=6, source=3, event_key=1,
    occurred_at=timezone.now() - timedelta(days=3 * 365),
)
"""
NOTHING_TAKES_IT = "Nothing can be queued, no Celery broker is configured: run `manage.py retrain_recommender`"


def write_orders(path):
    """Sixty shoppers, each of whom buys one tea after the other, and sometimes any."""
    draw, now = random.Random(0), datetime.now(UTC)
    rows = []
    for shopper in range(60):
        for age in range(10):
            at = now - timedelta(days=60 - 5 * age, minutes=shopper)
            tea = (shopper + age) % 40 + 1 if draw.random() < 0.8 else draw.randint(1, 40)
            rows.append([f"shopper {shopper}", at.isoformat(), tea])
    with path.open("w", newline="") as opened:
        csv.writer(opened).writerows([["shopper", "occurred_at", "product"], *rows])


@pytest.fixture
def shop(project):
    project.add_our_lines()
    project.done("migrate")
    assert "no issues" in project.done("check", "--fail-level", "WARNING")
    return project


@pytest.mark.training
def test_the_command_alone_is_enough(shop):
    shop.done("sync_catalog")
    write_orders(shop.folder / "orders.csv")
    assert "600 added" in shop.done("import_interactions", "orders.csv")
    shop.run(THREE_YEARS_AGO)
    # Without a signal: only a sync sees it.
    shop.run('from goods.models import Product; Product.objects.bulk_create([Product(name="Late tea")])')
    too_few = shop.manage("retrain_recommender", "--settings-json", json.dumps(QUICK | {"shoppers_needed": 1_000}))
    assert "Version 1 is published." in too_few.stdout and "counted, not learned yet" in too_few.stdout
    # Also where no training gets through.
    assert is_kept(shop.asked(SEEN)["oldest"])
    assert "Version 2 is published." in shop.done("retrain_recommender", "--settings-json", json.dumps(QUICK))
    seen = shop.asked(SEEN)
    assert (seen["sent"], seen["sources"]) == (201, ["recommender"])
    assert "Tea no. " in seen["page"]
    assert (seen["mirrored"], seen["counted"]) == (41, 40)


def is_kept(time):
    return datetime.fromisoformat(time) > datetime.now(UTC) - timedelta(days=61)


def test_queueing_says_that_nobody_would_take_it(shop):
    ended = shop.manage("retrain_recommender", "--queue")
    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1)
    assert NOTHING_TAKES_IT in ended.stderr


def test_the_admins_button_says_that_nobody_would_take_it(shop):
    address = "/admin/recommendations/recommenderversion/"
    told = shop.asked(
        f'{CLERK}\npressed = clerk.post("{address}retrain/")\npage = clerk.get("{address}")\n'
        "print(json.dumps([pressed.status_code, page.status_code, "
        "page.content.decode()]))"
    )
    assert told[:2] == [302, 200]
    assert "Nothing can be queued, no Celery broker is configured" in told[2]


def test_rest_says_that_nobody_would_take_it(shop):
    status, body = shop.asked(
        f'{CLERK}\ndone = clerk.post("/recommendations/v1/retrain/")\n'
        "print(json.dumps([done.status_code, done.json()]))"
    )
    assert status == 503
    assert body["detail"].startswith(NOTHING_TAKES_IT)
