import pytest
from django.test import Client

from recommendations import controls
from recommendations.ml.kinds import Kind
from recommendations.models import Shopper
from recommendations.models.shopper import hash_key
from recommendations.serving import RecommendationQuery, reasons, recommend
from tests.api.conftest import URL
from tests.serving.conftest import books, did, popular, version  # noqa: F401 - the same shop

ADDRESS = f"{URL}why/"


@pytest.fixture
def visitor(db, client):
    client.cookies["recommendations_shopper"] = "key"
    return Shopper.objects.create(key_hash=hash_key("key"))


@pytest.fixture
def shown(version, popular, books, did, visitor):  # noqa: F811
    """A list with causes."""
    did(visitor, books[4:7])
    return recommend(RecommendationQuery("home", visitor))


def ask(client, found, product_id, **more):
    return client.get(ADDRESS, {"token": found.token, "product": product_id, **more})


def test_a_cause_comes_with_its_proof_and_the_list_without_it(shown, visitor, client):
    entry = next(entry for entry in shown.recommendations if entry.reason.tier == "T1")
    told = ask(client, shown, entry.card.product_id).json()
    assert (told["product"]["id"], told["rank"], told["source"]) == (entry.card.product_id, entry.rank, "recommender")
    assert told["reason"]["text"] == entry.reason.text
    first = told["causes"][0]
    assert first["evidence"]["rank_after"] > first["evidence"]["limit"] == 10
    assert len(first["evidence"]["witnesses"]) >= 10
    anchor = first["anchors"][0]["id"]
    assert controls.remove(visitor, anchor)
    assert first["without"] == recommend(RecommendationQuery("home", visitor)).product_ids
    assert entry.card.product_id not in first["without"]


def test_two_of_which_either_is_enough_come_with_the_list_without_both(shown, visitor, client):
    entry = next(entry for entry in shown.recommendations if entry.reason.tier == "T2")
    told = ask(client, shown, entry.card.product_id).json()
    (cause,) = told["causes"]
    assert cause["text"] == entry.reason.text
    assert max(cause["evidence"]["ranks_without_each"]) <= 10 < cause["evidence"]["rank_after"]
    for anchor in cause["anchors"]:
        assert controls.remove(visitor, anchor["id"])
    assert cause["without"] == recommend(RecommendationQuery("home", visitor)).product_ids
    assert entry.card.product_id not in cause["without"]


def test_a_fact_has_no_causes(version, popular, books, did, visitor, client):  # noqa: F811
    did(visitor, books[:3], Kind.PURCHASE)
    found = recommend(RecommendationQuery("buy_again", visitor))
    told = ask(client, found, found.product_ids[0]).json()
    assert (told["reason"]["kind"], told["causes"]) == ("fact", [])


def test_a_product_that_left_the_list_is_not_explained(shown, client, books):  # noqa: F811
    assert ask(client, shown, str(books[10].pk)).status_code == 404


def test_the_list_of_somebody_else_is_refused(shown, errors):
    assert errors(ask(Client(), shown, shown.product_ids[0]))[0][1:] == ("token", "it belongs to another shopper.")


@pytest.mark.parametrize("token", ["", "x", "a:b:c"])
def test_a_token_that_is_none_is_named(db, client, errors, token):
    assert errors(client.get(ADDRESS, {"token": token, "product": "1"}))[0][1] == "token"


def test_a_cause_without_words_is_not_told(shown, client, settings, monkeypatch):
    settings.RECOMMENDATIONS = {"STRICT": False}
    entry = next(entry for entry in shown.recommendations if entry.reason.tier == "T1")

    def fail(*args):
        raise ValueError("the shop's own template")

    monkeypatch.setattr(reasons, "render_to_string", fail)
    told = ask(client, shown, entry.card.product_id).json()
    assert (told["reason"]["kind"], told["causes"]) == ("none", [])
    page = client.get("/recommendations/why/", {"token": shown.token, "product": entry.card.product_id})
    html = page.content.decode()
    assert "Chosen from your overall activity." in html and "recommendations-cause" not in html
