"""A search is a unit of the history like a product: named when the list really rests on it, and removable."""

import numpy as np
import pytest
from django.utils import translation

from recommendations.ml.kinds import Kind
from recommendations.ml.ranking import MixWeights, NextItemTable, Score
from recommendations.models import Interaction
from recommendations.publishing import current_recommender
from recommendations.serving import RecommendationQuery, because_rows, recommend, why
from tests.serving.test_truth import removed, shopper_who, units_of, words


def first_are(books, whose):
    """The last `books` come first for a history that `whose` accepts; else the first books do."""
    scorer = current_recommender().scorer
    matrix = np.zeros((61, 1), np.float32)
    matrix[-books:] = 1
    table = NextItemTable(np.zeros(62, np.int64), np.zeros(0, np.int32), np.zeros(0, np.float32))
    scorer.score = Score(matrix, -0.1 * np.arange(61, dtype=np.float32), table, MixWeights(0.0, 1.0, 0.0, 0.9))
    scorer.encode = lambda read: np.array([[20 * whose(each.items)] for each in read], np.float32)


def has_search(items):
    return (items > 60).any()


@pytest.fixture
def searched(products, popular):
    first_are(1, has_search)
    return products


def home(events, products, now):
    return RecommendationQuery("home", shopper_who(events, products, now), limit=5, now=now)


def test_a_search_is_named_in_its_own_words(searched, now):
    query = home([(40, Kind.VIEW), (12, Kind.SEARCH), (41, Kind.VIEW)], searched, now)
    first, *others = recommend(query).recommendations
    asked = words(12, searched)
    assert first.card.title == "Book 60"
    assert first.reason.text == f"Because you searched for “{asked}”"
    assert first.reason.anchors[0].unit == ("query", asked)
    assert {entry.reason.kind for entry in others} == {"none"}
    assert removed(query, *units_of(first.reason)).product_ids == [entry.card.product_id for entry in others] + [
        searched[4].product_id
    ]
    assert why(query, first.card.product_id).causes == (first.reason,)
    with translation.override("zh-hans"):
        assert recommend(query).recommendations[0].reason.text == f"因为您搜索过「{asked}」"


def test_two_searches_of_which_either_is_enough(searched, now):
    query = home([(12, Kind.SEARCH), (40, Kind.VIEW), (20, Kind.SEARCH)], searched, now)
    first = recommend(query).recommendations[0]
    one, other = words(20, searched), words(12, searched)
    assert first.reason.text == f"Because you searched for “{one}” and “{other}”: either would be enough"


def test_a_search_and_a_product_of_the_same_name_are_two(searched, now):
    name = words(12, searched)
    assert name == searched[12].product_id
    query = home([(12, Kind.VIEW), (12, Kind.SEARCH)], searched, now)
    first = recommend(query).recommendations[0]
    assert first.reason.anchors[0].unit == ("query", name)
    assert first.card.product_id in removed(query, searched[12]).product_ids
    assert first.card.product_id not in removed(query, name).product_ids


def test_words_that_match_nothing_are_read_as_nothing(searched, now):
    query = home([(40, Kind.VIEW), (12, Kind.SEARCH)], searched, now)
    Interaction.objects.filter(shopper=query.shopper, kind=Kind.SEARCH).update(query="?!")
    assert [entry.card.title for entry in recommend(query).recommendations] == [f"Book {k}" for k in range(1, 6)]


def test_a_search_that_hints_at_something_sensitive_is_not_named(searched, now):
    query = home([(40, Kind.VIEW), (12, Kind.SEARCH)], searched, now)
    current_recommender().sensitive[13] = True
    assert {entry.reason.kind for entry in recommend(query).recommendations} == {"none"}


@pytest.mark.parametrize(("place", "leads"), [(59, "query"), (12, "product")])
def test_of_several_causes_the_link_that_anybody_can_see_comes_first(searched, now, place, leads):
    """Book 60 rests on both. To search is the weakest thing to do, but words that match are a link."""
    first_are(1, lambda items: has_search(items) and 41 in items)
    query = home([(40, Kind.PURCHASE), (12, Kind.SEARCH), (30, Kind.VIEW)], searched, now)
    Interaction.objects.filter(shopper=query.shopper, kind=Kind.SEARCH).update(query=searched[place].product_id)
    told = why(query, searched[59].product_id)
    assert {cause.anchors[0].type for cause in told.causes} == {"product", "query"}
    assert told.reason.anchors[0].type == leads


def test_a_row_may_rest_on_a_search(searched, now):
    first_are(6, has_search)
    query = home([(3, Kind.VIEW), (12, Kind.SEARCH), (27, Kind.VIEW)], searched, now)
    (row,) = because_rows(query)
    assert row.anchor.unit == ("query", words(12, searched))
    assert row.text == f"Because you searched for “{row.anchor.title}”"
    assert [entry.card.title for entry in row.recommendations] == [f"Book {k}" for k in range(55, 61)]
