"""What "Why this?" tells beside a row "Because you viewed X" is about the list that the row is cut from."""

import re

import pytest
from django.urls import reverse
from django.utils import translation

from recommendations import controls
from recommendations.catalog import Promotion
from recommendations.serving import RecommendationQuery, because_rows, recommend
from tests.pages.test_pages import browser, visitor  # noqa: F401
from tests.pages.test_searches import text_of
from tests.serving.conftest import *  # noqa: F403 - the same shop
from tests.shop.recommended_products import BookCatalog


@pytest.fixture
def row(version, popular, books, visitor, did, monkeypatch):  # noqa: F811
    """The first row, in a shop that promotes what would be far down in every list."""
    did(visitor, [books[place] for place in (3, 9, 27, 44)])
    last = [Promotion(key) for key in recommend(RecommendationQuery("new_for_you", visitor, limit=55)).product_ids[42:]]
    monkeypatch.setattr(BookCatalog, "promoted", lambda self, placement, request: last)
    return because_rows(RecommendationQuery("new_for_you", visitor))[0]


def asked(row):
    return {"token": row.token, "product": row.recommendations[-1].card.product_id, "anchor": row.anchor.id}


def cut_from(visitor):  # noqa: F811
    return recommend(RecommendationQuery("new_for_you", visitor, limit=40, promotes=False))


def test_the_list_predicted_is_the_one_that_rows_are_cut_from_after_the_removal(row, visitor, browser):  # noqa: F811
    page = browser.get(reverse("recommendations:why"), asked(row)).content.decode()
    (cause, *_) = browser.get("/recommendations/v1/why/", asked(row)).json()["causes"]
    assert cause["anchors"][0]["id"] == row.anchor.id
    assert controls.remove(visitor, row.anchor.id)
    served = cut_from(visitor)
    assert cause["without"] == served.product_ids
    assert len(served.product_ids) == 40
    predicted = re.search(r'<ol class="recommendations-predicted">(.*?)</ol>', page, re.DOTALL)[1]
    shown = [entry.card.title for entry in served.recommendations[:10]]
    assert re.findall(r">([^<]+)</a>", predicted) == shown
    rows = because_rows(RecommendationQuery("new_for_you", visitor))
    assert rows and row.anchor not in [left.anchor for left in rows]
    for left in rows:
        ids = [entry.card.product_id for entry in left.recommendations]
        assert ids == [key for key in cause["without"] if key in ids]


def test_it_says_which_list_that_is(row, browser):  # noqa: F811
    told = text_of(browser.get(reverse("recommendations:why"), asked(row)).content.decode())
    assert "We rank 40 products for you. This one is number" in told
    assert f"without {row.anchor.title} in your history it would not be among them." in told
    assert f"Your 40 products without {row.anchor.title}" in told
    assert "The first 10 of 40 products." in told
    assert "What you would see without it" not in told
    with translation.override("zh-hans"):
        told = text_of(browser.get(reverse("recommendations:why"), asked(row)).content.decode())
    assert "我们为您排列 40 件商品" in told
    assert f"去掉「{row.anchor.title}」后您的 40 件商品" in told
    assert "前 10 件（共 40 件）" in told


def test_without_the_name_of_its_anchor_it_is_told_of_the_same_list(row, visitor, browser):  # noqa: F811
    told = browser.get("/recommendations/v1/why/", {**asked(row), "anchor": ""}).json()
    assert told["changed"] == ""
    assert cut_from(visitor).product_ids[told["rank"] - 1] == told["product"]["id"]
