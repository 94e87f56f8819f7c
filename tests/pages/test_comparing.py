"""Two products of a list beside each other: on the panel, by REST, and against the scores computed anew."""

import re
from dataclasses import replace
from itertools import permutations

import pytest
from django.urls import reverse
from django.utils import translation

from recommendations.catalog import Promotion
from recommendations.ml.kinds import Kind
from recommendations.publishing import current_recommender
from recommendations.serving import RecommendationQuery, because_rows, recommend
from recommendations.serving.looking import Inspection, compare, comparing
from recommendations.serving.memory import read_memory
from tests.pages.test_pages import browser, visitor  # noqa: F401
from tests.pages.test_searches import text_of
from tests.serving.conftest import *  # noqa: F403 - the same shop
from tests.shop.recommended_products import BookCatalog


@pytest.fixture
def query(version, popular, books, visitor, did):  # noqa: F811
    did(visitor, [books[place] for place in (3, 9, 27, 44)])
    return RecommendationQuery("home", visitor)


def favour(query, unit, one, other):
    """f(one) - f(other) with the whole history, less the same without the unit."""
    scorer = current_recommender().scorer
    memory = read_memory(query.shopper, query.now)
    history = memory.history(scorer.vocabulary, scorer.query_index)
    items = scorer.vocabulary.numbers([one, other])
    (whole,), (without,) = (
        scorer.scores([read], items) for read in (history, history.without(scorer.vocabulary.number(unit)))
    )
    return float((whole[0] - whole[1]) - (without[0] - without[1]))


def speaks_for(query, unit, product_id):
    """Whether the product's log-probability in the pool is less without the unit."""
    left = (inspection := Inspection(query)).left
    number = inspection.pool.loaded.scorer.vocabulary.number
    return left.effect[left.units.index(number(unit)), left.column[number(product_id)]] > 0


def test_what_makes_the_difference_is_what_the_scores_say(query, books):
    first, *others = recommend(query).product_ids
    met = [str(books[place].pk) for place in (3, 9, 27, 44)]
    left_out = 0
    for other in others:
        favours = {unit: favour(query, unit, first, other) for unit in met}
        found = compare(Inspection(query), first, other)
        assert found.other.product_id == other
        for_it = [unit for unit in met if favours[unit] > 0.1 and speaks_for(query, unit, first)]
        against = [unit for unit in met if favours[unit] < -0.1 and speaks_for(query, unit, other)]
        assert [anchor.id for anchor in found.for_it] == sorted(for_it, key=lambda unit: -favours[unit])[:3]
        assert [anchor.id for anchor in found.for_the_other] == sorted(against, key=favours.__getitem__)[:3]
        left_out += sum(abs(favours[unit]) > 0.1 for unit in met) - len(for_it) - len(against)
    assert left_out  # what speaks against both, and less against the one


def test_only_two_of_the_list_are_compared(query, books):
    first, second = recommend(query).product_ids[:2]
    assert compare(Inspection(query), first, first) is None
    assert compare(Inspection(query), first, str(books[3].pk)) is None
    assert compare(Inspection(query), first, "nothing") is None
    assert compare(Inspection(query), second, first) is not None


def test_what_must_not_be_named_is_not(query, books, settings):
    first, second = recommend(query).product_ids[:2]
    found = compare(Inspection(query), first, second)
    named = {anchor.id for anchor in found.for_it + found.for_the_other}
    assert named
    scorer = current_recommender().scorer
    for product_id in named:
        current_recommender().sensitive[scorer.vocabulary.number(product_id)] = True
    found = compare(Inspection(query), first, second)
    assert not named & {anchor.id for anchor in found.for_it + found.for_the_other}


def test_the_panel_compares_by_a_plain_form(query, browser):  # noqa: F811
    found = recommend(query)
    pairs = permutations(found.recommendations, 2)
    inspection = Inspection(query)
    first, second = next(two for two in pairs if compare(inspection, *(one.card.product_id for one in two)).for_it)
    address = reverse("recommendations:why", query={"token": found.token, "product": first.card.product_id})
    html = browser.get(address).content.decode()
    form = re.search(r'<section id="compared">.*?</section>', html, re.DOTALL)[0]
    offered = re.findall(r'<option value="([^"]+)"', form)
    assert offered == [key for key in found.product_ids if key != first.card.product_id]
    assert re.findall(r"<option[^>]* selected>([^<]+)<", form) == ["Choose a product"]
    fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]+)"', form))
    html = browser.get(reverse("recommendations:why"), {**fields, "compared": second.card.product_id}).content.decode()
    told = text_of(html)
    comparison = compare(Inspection(query), first.card.product_id, second.card.product_id)
    assert f"More than for {second.card.title}, these speak for {first.card.title}:" in told
    for anchor in comparison.for_it + comparison.for_the_other:
        assert f"<li>{anchor.title}</li>" in html
    assert f'<option value="{second.card.product_id}" selected>' in html
    assert "not what each is shown for" in told
    with translation.override("zh-hans"):
        html = browser.get(reverse("recommendations:why"), {**fields, "compared": second.card.product_id})
        assert "因" not in re.search(r'<section id="compared">.*?</section>', html.content.decode(), re.DOTALL)[0]


def test_that_nothing_makes_the_difference_contradicts_no_reason(query, browser, monkeypatch):  # noqa: F811
    monkeypatch.setattr(comparing, "LEAST", 1_000)
    found = recommend(query)
    first, second = found.recommendations[:2]
    asked = {"token": found.token, "product": first.card.product_id, "compared": second.card.product_id}
    told = text_of(browser.get(reverse("recommendations:why"), asked).content.decode())
    assert f"clearly more for {first.card.title} than for {second.card.title}, or the other way round." in told
    assert "What one of them is shown for may help the other just as much." in told


def test_by_rest(query, browser):  # noqa: F811
    found = recommend(query)
    first, second = found.product_ids[:2]
    asked = {"token": found.token, "product": first}
    assert browser.get("/recommendations/v1/why/", asked).json()["comparison"] is None
    told = browser.get("/recommendations/v1/why/", {**asked, "compared": second}).json()["comparison"]
    comparison = compare(Inspection(query), first, second)
    assert told["product"]["id"] == second
    assert told["complete"] is True
    assert [anchor["id"] for anchor in told["for_it"]] == [anchor.id for anchor in comparison.for_it]
    assert [anchor["id"] for anchor in told["for_the_other"]] == [anchor.id for anchor in comparison.for_the_other]


def test_popular_products_are_not_compared(version, popular, browser, visitor):  # noqa: F811
    found = recommend(RecommendationQuery("home", visitor))
    page = browser.get(
        reverse("recommendations:why", query={"token": found.token, "product": found.product_ids[0]})
    ).content.decode()
    assert 'id="compared"' not in page


def test_neither_of_the_two_speaks_for_itself(version, popular, books, visitor, did):  # noqa: F811
    did(visitor, [books[place] for place in (3, 9, 27, 44)], Kind.PURCHASE)
    query = RecommendationQuery("buy_again", visitor)
    shown = recommend(query).product_ids
    found = [(one, other, compare(Inspection(query), one, other)) for one, other in permutations(shown, 2)]
    assert found
    for one, other, comparison in found:
        assert not {one, other} & {anchor.id for anchor in comparison.for_it + comparison.for_the_other}


def test_a_row_is_compared_within_its_own_list_whatever_is_promoted(query, browser, monkeypatch):  # noqa: F811
    row = because_rows(query)[0]
    promoted = [Promotion(key) for key in recommend(replace(query, limit=55)).product_ids[40:53]]
    monkeypatch.setattr(BookCatalog, "promoted", lambda self, placement, request: promoted)
    shown = row.recommendations[0].card.product_id
    asked = {"token": row.token, "product": shown, "anchor": row.anchor.id}
    html = browser.get(reverse("recommendations:why"), asked).content.decode()
    offered = re.findall(r'<option value="([^"]+)"', html)
    assert len(offered) == 39
    answers = [browser.get("/recommendations/v1/why/", {**asked, "compared": key}).json() for key in offered]
    assert all(answer["comparison"] for answer in answers)
    assert {answer["changed"] for answer in answers} == {""}


def test_what_is_gone_can_not_be_compared(query, browser):  # noqa: F811
    found = recommend(query)
    asked = {"token": found.token, "product": found.product_ids[0], "compared": "nothing"}
    assert "The two can't be compared" in browser.get(reverse("recommendations:why"), asked).content.decode()


def test_of_a_history_of_one_product_nothing_can_be_told(version, popular, books, browser, visitor, did):  # noqa: F811
    did(visitor, [books[3]])
    query = RecommendationQuery("home", visitor)
    found = recommend(query)
    first, second = found.product_ids[:2]
    comparison = compare(Inspection(query), first, second)
    assert (comparison.for_it, comparison.for_the_other, comparison.complete) == ((), (), False)
    asked = {"token": found.token, "product": first, "compared": second}
    page = text_of(browser.get(reverse("recommendations:why"), asked).content.decode())
    assert "can't be computed exactly" in page
    assert "clearly more" not in page
