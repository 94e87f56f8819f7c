"""A shopper whose language is Chinese reads no English of ours."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.db import OperationalError
from django.template import Context, Template
from django.test import RequestFactory, override_settings
from django.urls import reverse
from django.utils import timezone, translation

from recommendations.ml.kinds import Kind
from recommendations.models import Product, RemovedProduct, Shopper
from recommendations.models.shopper import hash_key
from recommendations.serving import RecommendationQuery, recommend
from recommendations.serving.reasons import Fact
from tests.locale.reading import english_in
from tests.serving.conftest import *  # noqa: F403 - the same shop


def fails(request):
    raise OperationalError("the server closed the connection")


@pytest.fixture
def visitor(db):
    return Shopper.objects.create(key_hash=hash_key("key"))


@pytest.fixture
def chinese(client):
    client.cookies["recommendations_shopper"] = "key"
    with translation.override("zh-hans"):
        yield client


def page(client, url):
    response = client.get(url)
    assert response.status_code == 200
    return response.content.decode()


def test_the_tags_speak_chinese(version, popular, books, visitor, chinese, did):
    did(visitor, books[10:13])
    request = RequestFactory().get("/")
    request.COOKIES["recommendations_shopper"] = "key"
    tags = "".join(f'{{% recommendations placement="{name}" limit=20 %}}' for name in ("home", "new_for_you", "cart"))
    html = Template("{% load recommendations %}{% because_rows %}" + tags).render(Context({"request": request}))
    assert re.search("因为您浏览过「Book 1[123]」", html)
    assert "为什么推荐？" in html
    assert english_in(html) == []


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [(Kind.PURCHASE, "因为您购买过"), (Kind.SAVE, "因为您收藏了"), (Kind.ADD_TO_CART, "因为您把")],
)
def test_each_event_has_its_sentence(version, popular, books, visitor, chinese, did, kind, sentence):
    did(visitor, books[10:13], kind)
    texts = {entry.reason.text for entry in recommend(RecommendationQuery("home", visitor, limit=20)).recommendations}
    assert any(text.startswith(f"{sentence}「Book 1") for text in texts)


def test_a_fact_names_the_month_as_the_language_does(chinese):
    fact = Fact("bought", datetime(2026, 5, 3, tzinfo=UTC))
    assert fact.text == "您在2026年5月购买过"
    with translation.override("en"):
        assert fact.text == "You bought this in May 2026"


def test_why_speaks_chinese(version, popular, books, visitor, chinese, did):
    did(visitor, books[10:13])
    found = recommend(RecommendationQuery("home", visitor, limit=20))
    asked = [*found.product_ids[:1], "no such book"]
    asked += [
        next(r.card.product_id for r in found.recommendations if r.reason.kind == kind) for kind in ("because", "none")
    ]
    pages = [
        page(chinese, reverse("recommendations:why", query={"token": found.token, "product": key})) for key in asked
    ]
    assert [english_in(html) for html in pages] == [[]] * 4
    assert '<html lang="zh-hans">' in pages[0]
    assert "」。" in pages[2]


def test_what_is_remembered_speaks_chinese(books, visitor, chinese, did):
    for number, kind in enumerate(Kind):
        if kind != Kind.SEARCH:
            did(visitor, books[number : number + 1], kind)
    did(visitor, books[10:])
    url = reverse("recommendations:yours")
    assert english_in(page(chinese, url)) == []
    chinese.post(reverse("recommendations:forget"), {"product": str(books[20].pk)})
    html = page(chinese, reverse("recommendations:yours", query={"removed": str(books[20].pk)}))
    assert "已移除「Book 21」。" in html
    assert english_in(html) == []


def refuses(request):
    return False


def test_what_is_unread_or_removed_for_good_speaks_chinese(books, visitor, chinese, did, settings):
    did(visitor, books[:1], ago=timedelta(days=50))
    for about in ({"product": Product.objects.first()}, {"query_hash": "0" * 64}):
        long_ago = timezone.now() - timedelta(days=40)
        RemovedProduct.objects.create(shopper=visitor, removed_at=long_ago, **about)
    url = reverse("recommendations:yours", query={"refused": 1})
    html = page(chinese, url)
    assert "已永久移除" in html
    settings.RECOMMENDATIONS = settings.RECOMMENDATIONS | {"HAS_CONSENT": f"{__name__}.refuses"}
    unread = page(chinese, url)
    assert "任何列表都不会读取以前记住的内容" in unread and "关闭个性化" in unread and "未隐藏任何商品" in unread
    assert english_in(html) == english_in(unread) == []


@override_settings(RECOMMENDATIONS={"HAS_CONSENT": f"{__name__}.fails"})
def test_what_can_not_be_reached_speaks_chinese(db, chinese):
    response = chinese.get(reverse("recommendations:yours"))
    assert response.status_code == 503
    assert "请稍后再试" in response.content.decode()
    assert english_in(response.content.decode()) == []


def test_nothing_remembered_speaks_chinese(db, chinese):
    assert english_in(page(chinese, reverse("recommendations:yours"))) == []
