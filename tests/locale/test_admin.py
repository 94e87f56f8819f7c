"""Staff whose language is Chinese read no English of ours, but what workers and users wrote."""

import re
from pathlib import Path
from urllib.parse import urlencode

import pytest
from django.contrib.auth import get_user_model
from django.urls import reverse
from django.utils import translation

from recommendations.admin.stages import STAGES
from recommendations.capture import record
from recommendations.catalog import sync_catalog
from recommendations.ml.cleaning import DataReport
from recommendations.ml.kinds import Kind
from recommendations.models import Interaction, Product, RecommenderVersion, Shopper
from recommendations.retraining import running
from tests.locale.reading import english_in
from tests.published import publish_made_artifact
from tests.shop.models import Book

METRICS = {
    "repeats_allowed": {
        "recommender": {"ndcg@10": 0.5},
        "network": {"ndcg@10": 0.4},
        "current_version": {"ndcg@10": 0.3},
        "bought_before": {"ndcg@10": 0.2},
    }
}
DATA = {"interactions": 1_234, "shoppers": 12, "products": 9, "first": 0, "last": 9e8, "cutoff": 8e8}
DATA |= {"report": DataReport(kept=1_234).to_dict(), "start": {"version": 7, "new": 0.05}}
DATA |= {"current": {"version": 7, "repeats_allowed": {"lead": 0.1, "low": -0.1, "high": 0.3, "shoppers": 50}}}


@pytest.fixture
def chinese(db, client):
    user = get_user_model()(is_staff=True, is_superuser=True, **{get_user_model().USERNAME_FIELD: "王芳"})
    user.set_unusable_password()
    user.save()
    client.force_login(user)
    with translation.override("zh-hans"):
        yield client


def content(client, name, *args):
    """The middle of an admin page without JSON; the rest is Django's."""
    html = client.get(reverse(f"admin:recommendations_{name}", args=args)).content.decode()
    middle = re.search(r'(<div id="content".*)<footer', html, re.DOTALL)[1]
    return re.sub("&quot;.*?&quot;", "", middle)


@pytest.fixture
def versions(db):
    """One of each fate."""
    facts = {"metrics": METRICS, "data": DATA | {"seconds": {"total": 100}, "judged_shoppers": {"repeats_allowed": 12}}}
    return [
        RecommenderVersion.objects.create(status=status, stage="judged fit", **(facts if number % 2 else {}))
        for number, status in enumerate(RecommenderVersion.Status)
    ]


def test_versions_speak_chinese(chinese, versions):
    found = [content(chinese, "recommenderversion_changelist")]
    found += [content(chinese, "recommenderversion_change", version.pk) for version in versions]
    assert [english_in(html) for html in found] == [[]] * (1 + len(versions))
    assert "失败" in found[0] and "（阶段：评估用训练）" in found[0]
    assert "（12 位顾客）" in "".join(found)


def test_tables_speak_chinese(chinese):
    Book.objects.create(name="书", shelf="小说")
    sync_catalog()
    shopper = Shopper.objects.create(external_id="1")
    record(shopper, Kind.VIEW, Book.objects.get())
    event = Interaction.objects.get()
    for name, row in (("product", event.product), ("shopper", shopper), ("interaction", event)):
        shown = content(chinese, f"{name}_changelist"), content(chinese, f"{name}_change", row.pk)
        assert [english_in(html) for html in shown] == [[], []], name


def test_the_look_into_a_list_speaks_chinese(chinese):
    Book.objects.bulk_create(Book(name=f"Book {number}") for number in range(40))
    sync_catalog()
    shopper = Shopper.objects.create(external_id="1")
    address = reverse("admin:recommendations_why", args=[shopper.pk])
    pages = [chinese.get(address)]
    publish_made_artifact()
    for book in Book.objects.all()[:4]:
        record(shopper, Kind.VIEW, book)
    product_id = Product.objects.last().product_id
    question = {"sandbox": 1, "product": product_id}
    pages += [chinese.post(f"{address}?{urlencode(question)}"), chinese.get(address, {"placement": "buy_again"})]
    pages += [chinese.get(address, {"product": "0"})]
    Shopper.objects.update(personalised=False)
    pages += [chinese.get(address)]
    middles = [re.search(r'(<div id="content".*)<footer', page.content.decode(), re.DOTALL)[1] for page in pages]
    told = [
        re.sub(r'<dl class="rec-hashes">.*?</dl>|value="[0-9a-z_]+"|JSON|numpy', "", middle, flags=re.DOTALL)
        for middle in middles
    ]
    assert [english_in(html) for html in told] == [[]] * 5
    assert "网络看向何处，并非理由" in told[1]


def test_buttons_answer_in_chinese(chinese):
    version = RecommenderVersion.objects.create()
    for button, args in (("retrain", ()), ("cancel", (version.pk,)), ("cancel", (version.pk,))):
        address = reverse(f"admin:recommendations_{button}", args=args)
        html = chinese.post(address, follow=True).content.decode()
        (told,) = re.findall(r'<li class="(?:info|warning|success)">(.*?)</li>', html)
        assert english_in(told) == []


def test_each_stage_that_a_worker_notes_has_its_words():
    noted = set(re.findall(r'report\(\s*"([^"]+)"', Path(running.__file__).read_text(encoding="utf-8")))
    assert len(noted) > 2
    assert noted <= STAGES.keys()


@pytest.mark.training
def test_each_stage_of_the_training_has_its_words():
    from recommendations.ml.training import progress

    assert progress.STAGES.keys() <= STAGES.keys()
