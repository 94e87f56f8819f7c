"""A look into the lists beside a product: what ranks them and each rule that leaves a product out."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recommendations.ml.kinds import Kind
from recommendations.models import HiddenProduct, Product, RemovedProduct
from recommendations.publishing import current_recommender
from recommendations.serving import RecommendationQuery, recommend
from recommendations.serving.candidates import context_strength
from recommendations.serving.eligibility import eligible_items
from recommendations.serving.looking import Inspection, look
from recommendations.serving.looking.paths import filters
from tests.examples import examples
from tests.serving.test_truth import EVENTS, shopper_who

BESIDE = ["similar", "bought_together"]


def beside(placement, shopper, book, **options):
    return RecommendationQuery(placement, shopper, product_id=str(book.pk), **options)


@pytest.mark.parametrize("placement", BESIDE)
def test_the_list_stands_in_the_order_of_what_is_told(version, shopper, books, did, placement):
    did(shopper, books[10:14])
    query = beside(placement, shopper, books[3], limit=60)
    told = look(Inspection(query))
    assert [entry.product_id for entry in told.shown] == recommend(query).product_ids
    strengths = [entry.score for entry in told.shown]
    assert strengths == sorted(strengths, reverse=True)
    assert (told.gap, told.about, told.heat, told.units) == ("page", str(books[3].pk), None, ())
    for entry in told.shown:
        path = look(Inspection(query), entry.product_id).path
        assert (path.strength, path.place, path.rank) == (entry.score, entry.rank, entry.rank)
        assert not path.is_left_out and path.terms is None


def test_likeness_is_a_cosine(version, books):
    told = look(Inspection(beside("similar", None, books[3])))
    scorer = current_recommender().scorer
    one, other = (scorer.score.item_matrix[scorer.vocabulary.number(key)] for key in (told.about, told.path.product_id))
    cosine = one @ other / np.linalg.norm(one) / np.linalg.norm(other)
    assert told.path.strength == pytest.approx(float(cosine), abs=1e-5)


@settings(max_examples=examples(10), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    events=EVENTS,
    hidden=st.integers(0, 59),
    gone=st.integers(0, 59),
    about=st.integers(0, 59),
    placement=st.sampled_from(BESIDE),
)
def test_a_rule_says_so_exactly_where_the_list_can_not_show_it(products, now, events, hidden, gone, about, placement):
    shopper = shopper_who(events, products, now)
    HiddenProduct.objects.create(shopper=shopper, product=products[hidden], until=now + timedelta(days=1))
    RemovedProduct.objects.create(shopper=shopper, product=products[gone], removed_at=now)
    query = RecommendationQuery(placement, shopper, product_id=products[about].product_id, now=now)
    inspection = Inspection(query)
    eligible = eligible_items(current_recommender(), query, inspection.memory)
    eligible &= context_strength(current_recommender(), query) > -np.inf
    for place in range(60):
        rules = filters(inspection, products[place].product_id)
        assert any(rule.leaves_out for rule in rules) != eligible[place + 1]


def why_not(query, book):
    return [rule.name for rule in look(Inspection(query), str(book.pk)).path.filters if rule.leaves_out]


def test_each_rule_has_its_name(version, shopper, books, did):
    did(shopper, books[6:7])
    did(shopper, books[9:10], Kind.PURCHASE)
    alike = beside("similar", shopper, books[3])
    assert why_not(alike, books[3]) == ["itself"]
    assert why_not(alike, books[4]) == ["other_category"]
    assert why_not(alike, books[6]) == why_not(alike, books[9]) == []  # met or bought: as welcome as any
    did(shopper, books[6:7], Kind.ADD_TO_CART)
    assert why_not(replace(alike, now=alike.now + timedelta(1)), books[6]) == ["in_basket"]
    together = replace(alike, placement="bought_together")
    met = set(recommend(replace(together, limit=100, shopper=None)).product_ids)
    never = next(book for book in books if str(book.pk) not in {*met, str(books[3].pk)})
    assert why_not(together, never) == ["never_follows"]
    path = look(Inspection(together), str(never.pk)).path
    assert (path.strength, path.place, path.rank) == (None, None, None)


def test_where_nothing_can_stand_beside_a_product_it_says_why(books, shopper):
    assert look(Inspection(beside("similar", shopper, books[3])), str(books[4].pk)).gap == "page_no_version"


def test_a_product_that_the_version_does_not_know(version, books):
    Product.objects.create(product_id="new", title="New")
    told = look(Inspection(RecommendationQuery("similar", None, product_id="new")), str(books[4].pk))
    assert (told.gap, told.shown, told.path.strength) == ("page_unknown", (), None)
    assert why_not(beside("similar", None, books[3]), Product(pk="new")) == ["unknown_to_version", "not_for_sale"]
