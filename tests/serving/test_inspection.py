"""A list looked into is of one version, whatever is published meanwhile, and of one reading of the history."""

import pytest

from recommendations.serving import RecommendationQuery, inspection, recommend, why
from recommendations.serving.looking import compare
from tests.published import publish_made_artifact


@pytest.fixture
def query(version, popular, shopper, books, did):
    did(shopper, books[4:7])
    return RecommendationQuery("home", shopper)


@pytest.fixture
def another_is_published(monkeypatch):
    """As soon as a list is made."""
    make_list = inspection.make_list

    def publishing(*made_of):
        found = make_list(*made_of)
        publish_made_artifact(seed=1)
        return found

    monkeypatch.setattr(inspection, "make_list", publishing)


def test_causes_proofs_and_predictions_are_of_the_version_of_the_list(query, version, another_is_published):
    entry = next(entry for entry in recommend(query).recommendations if entry.reason.tier == "T1")
    told = why(query, entry.card.product_id)
    assert {cause.evidence.version for cause in told.causes} == {version.pk}
    assert told.again.version == told.without(told.causes[0].anchors).version == str(version.pk)
    assert recommend(query).version != told.again.version


def test_two_products_are_compared_within_the_list(query):
    first, second = recommend(query).product_ids[:2]
    told = why(query, first)
    expected = compare(told.inspection, first, second)
    publish_made_artifact(seed=1)
    assert compare(why(query, first).inspection, first, second) != expected == compare(told.inspection, first, second)


def test_an_event_that_comes_meanwhile_changes_no_cause(query, shopper, books, did, monkeypatch):
    entry = next(entry for entry in recommend(query).recommendations if entry.reason.tier == "T1")
    causes, make_list = why(query, entry.card.product_id).causes, inspection.make_list

    def viewing(*made_of):
        found = make_list(*made_of)
        did(shopper, books[20:30])
        return found

    monkeypatch.setattr(inspection, "make_list", viewing)
    assert why(query, entry.card.product_id).causes == causes


def test_a_list_without_something_looks_for_no_causes(query):
    told = why(query, recommend(query).product_ids[0])
    reasons = {entry.reason.tier for entry in told.inspection.served_without([]).recommendations}
    assert not reasons & {"T1", "T2"}
