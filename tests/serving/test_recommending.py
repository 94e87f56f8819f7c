from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from django.test import override_settings
from django.utils import timezone

from recommendations.catalog import sync_catalog
from recommendations.exceptions import UnknownPlacement
from recommendations.ml.kinds import Kind
from recommendations.ml.sequences import READ_LIMIT
from recommendations.models import HiddenProduct, Product, RemovedProduct
from recommendations.publishing import current_recommender
from recommendations.serving import RecommendationQuery, recommend, recommending, why
from recommendations.serving.memory import read_memory
from tests.shop.models import Book


def asked(shopper, placement="home", **options):
    return recommend(RecommendationQuery(placement, shopper, **options))


def reasons(found):
    return {entry.card.product_id: entry.reason for entry in found.recommendations}


def mirrored(book):
    return Product.objects.get(product_id=str(book.pk))


def test_a_stranger_sees_popular_products_with_the_fact_that_holds(version, popular):
    found = asked(None)
    assert found.product_ids == [str(row.product_id) for row in Product.objects.order_by("pk")[:10]]
    assert {entry.source for entry in found.recommendations} == {"popular"}
    assert {entry.reason.fact for entry in found.recommendations} == {"popular_this_week"}
    assert found.version == ""


def test_without_a_count_the_newest_products_are_shown_and_nothing_is_said(books):
    found = asked(None, limit=3)
    assert found.product_ids == [str(book.pk) for book in reversed(books[-3:])]
    assert [entry.reason.kind for entry in found.recommendations] == ["none"] * 3


def test_new_is_said_of_what_came_after_the_first_mirroring_within_thirty_days(books, now):
    Product.objects.update(created_at=now - timedelta(days=60))
    for days, book in zip((31, 29, 0), books[-3:], strict=True):
        Product.objects.filter(product_id=str(book.pk)).update(created_at=now - timedelta(days=days))
    newest = reasons(asked(None, limit=4, now=now, of="book"))
    assert [newest[str(book.pk)].text for book in reversed(books[-4:])] == ["New", "New", "", ""]
    Product.objects.exclude(product_id=str(books[-1].pk)).update(created_at=now - timedelta(hours=23))
    assert {reason.kind for reason in reasons(asked(None, limit=4, now=now, of="book")).values()} == {"none"}


@pytest.mark.parametrize("older", [0, READ_LIMIT])
def test_what_came_back_was_not_bought(version, popular, shopper, books, did, older):
    did(shopper, books[20:21] * older, Kind.VIEW, timedelta(days=2))
    did(shopper, books[:2], Kind.PURCHASE, timedelta(days=1))
    did(shopper, books[:1], Kind.RETURN, timedelta(hours=1))
    assert asked(shopper, "buy_again").product_ids == [str(books[1].pk)]
    told = reasons(asked(shopper, limit=59))
    assert str(books[0].pk) not in told
    assert told[str(books[1].pk)].fact == "bought"
    did(shopper, books[:1], Kind.PURCHASE)
    assert {*asked(shopper, "buy_again").product_ids} == {str(book.pk) for book in books[:2]}


@pytest.mark.parametrize("came_back", [False, True])
def test_what_was_bought_before_all_that_is_read_is_still_called_bought(shopper, books, did, now, came_back):
    did(shopper, books[:1], Kind.PURCHASE, timedelta(days=9))
    did(shopper, books[:1] * came_back, Kind.RETURN, timedelta(days=8))
    did(shopper, books[1:2] * READ_LIMIT, ago=timedelta(days=1))
    did(shopper, books[:1])
    assert read_memory(shopper, now).strongest_event(str(books[0].pk)) == ("viewed" if came_back else "bought")


def test_an_old_count_is_ranked_but_not_called_popular_this_week(books, popular):
    found = asked(None, now=timezone.now() + timedelta(days=2))
    assert {entry.reason.kind for entry in found.recommendations} == {"none"}


def test_few_shoppers_are_not_called_popular(books, popular):
    from recommendations.models import ProductPopularity

    ProductPopularity.objects.update(recent_shoppers=4)
    assert {entry.reason.kind for entry in asked(None).recommendations} == {"none"}


def test_three_views_are_in_the_next_list(version, popular, shopper, books, did):
    stranger = asked(shopper)
    did(shopper, books[10:13])
    found = asked(shopper)
    assert found.product_ids != stranger.product_ids
    assert found.version == str(version.pk)
    assert {entry.source for entry in found.recommendations} == {"recommender"}
    assert any(entry.reason.kind == "because" for entry in found.recommendations)


def test_what_was_viewed_is_not_recommended(version, shopper, books, did):
    did(shopper, books[10:13])
    found = asked(shopper, limit=57)
    assert len(found.recommendations) == 57
    assert not set(found.product_ids) & {str(book.pk) for book in books[10:13]}


def test_what_was_bought_may_come_back_at_home_with_the_fact(version, shopper, books, did):
    did(shopper, books[10:13], Kind.PURCHASE)
    found = reasons(asked(shopper, limit=60))
    for book in books[10:13]:
        assert found[str(book.pk)].fact == "bought"
        assert found[str(book.pk)].text.startswith("You bought this in ")


def test_new_for_you_leaves_out_what_was_bought(version, shopper, books, did):
    did(shopper, books[10:13], Kind.PURCHASE)
    assert not set(asked(shopper, "new_for_you", limit=60).product_ids) & {str(book.pk) for book in books[10:13]}


def test_buy_again_shows_only_what_was_bought(version, shopper, books, did):
    did(shopper, books[10:13], Kind.PURCHASE)
    did(shopper, books[20:22], Kind.VIEW)
    found = asked(shopper, "buy_again")
    assert set(found.product_ids) == {str(book.pk) for book in books[10:13]}
    assert {entry.reason.fact for entry in found.recommendations} == {"bought"}


def test_buy_again_works_before_anything_was_trained(books, shopper, did):
    did(shopper, books[10:13], Kind.PURCHASE)
    assert asked(shopper, "buy_again").product_ids == [str(book.pk) for book in (books[12], books[11], books[10])]


def test_what_is_in_the_basket_is_left_out_until_it_is_taken_out(version, shopper, books, did):
    did(shopper, [books[5]], Kind.PURCHASE, ago=timedelta(days=3))
    did(shopper, [books[5]], Kind.ADD_TO_CART, ago=timedelta(minutes=3))
    assert str(books[5].pk) not in asked(shopper, limit=60).product_ids
    did(shopper, [books[5]], Kind.REMOVE_FROM_CART)
    assert str(books[5].pk) in asked(shopper, limit=60).product_ids


@pytest.mark.parametrize("placement", ["similar", "bought_together"])
def test_a_list_about_a_product_leaves_the_product_out_and_gives_no_cause(version, shopper, books, did, placement):
    did(shopper, books[10:13])
    found = asked(shopper, placement, product_id=str(books[3].pk))
    assert found.recommendations
    assert str(books[3].pk) not in found.product_ids
    assert {entry.reason.kind for entry in found.recommendations} == {"none"}


def test_similar_products_are_ranked_by_their_cosine(version, books):
    shown = recommend(RecommendationQuery("similar", product_id=str(books[0].pk), limit=8)).product_ids
    scorer = current_recommender().scorer
    matrix = scorer.score.item_matrix.astype(float)
    own = matrix[scorer.vocabulary.number(str(books[0].pk))]
    cosine = {
        str(book.pk): (row := matrix[scorer.vocabulary.number(str(book.pk))]) @ own / np.linalg.norm(row)
        for book in books[1:]
        if book.shelf == books[0].shelf
    }
    assert shown == sorted(cosine, key=lambda key: -cosine[key])[:8]


def test_similar_products_stand_on_the_same_shelf(version, books):
    found = asked(None, "similar", product_id=str(books[3].pk))
    shelves = set(Book.objects.filter(pk__in=found.product_ids).values_list("shelf", flat=True))
    assert shelves == {books[3].shelf}


def test_an_unknown_context_product_gives_an_empty_list(version, books):
    assert asked(None, "similar", product_id="no such book").recommendations == ()


def test_a_sold_out_product_is_gone_at_once_from_lists_and_from_reasons(version, shopper, books, did):
    did(shopper, books[10:13])
    before = asked(shopper)
    gone = Book.objects.get(pk=before.product_ids[0])
    Book.objects.filter(pk=gone.pk).update(in_stock=False)  # no signal: the card alone must tell
    after = asked(shopper)
    assert str(gone.pk) not in after.product_ids
    assert len(after.recommendations) == 10
    for reason in reasons(after).values():
        if reason.kind == "because":
            assert str(gone.pk) not in reason.evidence.witnesses


def test_a_sold_out_anchor_is_never_named(version, shopper, books, did):
    did(shopper, books[10:13])
    Book.objects.filter(pk__in=[book.pk for book in books[10:13]]).update(in_stock=False)
    assert {reason.kind for reason in reasons(asked(shopper)).values()} == {"none"}


@pytest.mark.parametrize("first", (3, 24, 39, 54))
def test_a_card_names_a_cause_whenever_its_panel_does(version, shopper, books, did, first):
    history = books[first : first + 3]
    did(shopper, history)
    for gone in history:
        Book.objects.filter(pk=gone.pk).update(in_stock=False)  # the mirror still has it: its cause is found first
        query = RecommendationQuery("home", shopper, limit=5)
        for entry in recommend(query).recommendations:
            causes = why(query, entry.card.product_id).causes
            assert bool(causes) == (entry.reason.kind == "because")
            assert all(str(gone.pk) not in [anchor.id for anchor in cause.anchors] for cause in causes)
        Book.objects.filter(pk=gone.pk).update(in_stock=True)


def test_a_sensitive_category_is_never_named(version, shopper, books, did):
    did(shopper, books[10:13])
    with override_settings(RECOMMENDATIONS={"STRICT": True, "SENSITIVE_CATEGORIES": ("Books",)}):
        from recommendations.publishing import forget

        forget()
        assert {reason.kind for reason in reasons(asked(shopper)).values()} == {"none"}


def test_when_most_of_the_pool_is_sold_out_the_rest_is_found(version, shopper, books, did):
    did(shopper, books[10:13])
    ranked = asked(shopper, limit=57).product_ids
    Book.objects.filter(pk__in=ranked[:40]).update(in_stock=False)
    assert asked(shopper).product_ids == ranked[40:50]


def test_a_hidden_product_is_left_out_until_then(version, shopper, books, did):
    did(shopper, books[10:13])
    first = asked(shopper).product_ids[0]
    now = timezone.now()
    HiddenProduct.objects.create(
        shopper=shopper, product=Product.objects.get(product_id=first), until=now + timedelta(days=1)
    )
    assert first not in asked(shopper).product_ids
    assert first in asked(shopper, now=now + timedelta(days=2)).product_ids


def test_a_removed_product_is_not_recommended_until_met_again(version, shopper, books, did):
    did(shopper, books[10:12], Kind.PURCHASE, ago=timedelta(days=1))
    RemovedProduct.objects.create(shopper=shopper, product=mirrored(books[10]))
    assert str(books[10].pk) not in asked(shopper, limit=60).product_ids
    did(shopper, [books[10]], Kind.PURCHASE, ago=timedelta(minutes=-1))
    assert str(books[10].pk) in asked(shopper, limit=60, now=timezone.now() + timedelta(hours=1)).product_ids


def test_another_shoppers_history_changes_nothing(version, shopper, books, did):
    from recommendations.models import Shopper

    did(shopper, books[10:13])
    before = asked(shopper)
    did(Shopper.objects.create(external_id="bert"), books[20:40])
    assert [replace(entry, score=None) for entry in before.recommendations] == [
        replace(entry, score=None) for entry in asked(shopper).recommendations
    ]


def test_an_unknown_placement_is_named():
    with pytest.raises(UnknownPlacement, match="placement 'hom': expected one of home, new_for_you"):
        RecommendationQuery("hom")


def test_a_placement_about_a_product_needs_one():
    with pytest.raises(UnknownPlacement, match="placement 'similar' is about a product: pass product=ID"):
        RecommendationQuery("similar")


@pytest.mark.parametrize("limit", [0, 101, -1])
def test_a_limit_that_can_not_be_served_is_named(limit):
    with pytest.raises(ValueError, match=f"limit {limit}: expected 1 to 100"):
        RecommendationQuery("home", limit=limit)


def test_what_follows_everything_does_not_lead_beside_every_product(version, books):
    loaded = current_recommender()
    item = loaded.scorer.vocabulary.number(str(books[3].pk))
    followers, values = loaded.scorer.score.next_item.row(item)
    table = loaded.scorer.score.next_item
    usual = {int(f): sum(table.values[table.indices == f]) for f in followers}
    expected = sorted(zip(followers, values, strict=True), key=lambda pair: -pair[1] / usual[int(pair[0])] ** 0.5)
    shown = asked(None, "bought_together", product_id=str(books[3].pk)).product_ids
    assert shown == [loaded.scorer.vocabulary.product_id(int(f)) for f, _ in expected if int(f) != item]


def test_what_was_returned_is_not_said_to_be_bought_or_viewed(version, popular, shopper, books, did):
    did(shopper, books[10:13], Kind.PURCHASE, ago=timedelta(days=2))
    named = {reason.anchors[0].event for reason in reasons(asked(shopper, "new_for_you")).values() if reason.anchors}
    assert named == {"bought"}
    did(shopper, books[10:13], Kind.RETURN)
    assert not [reason for reason in reasons(asked(shopper, "new_for_you")).values() if reason.anchors]


def test_buy_again_holds_what_was_bought_since_the_training(version, shopper, books, did):
    new = Book.objects.create(name="Fresh from the press")
    sync_catalog()
    did(shopper, [books[0], new], Kind.PURCHASE)
    assert set(asked(shopper, "buy_again").product_ids) == {str(books[0].pk), str(new.pk)}


def test_the_popular_list_fills_what_is_sold_out(version, popular, shopper, books, did):
    did(shopper, books[10:13])
    new = Book.objects.bulk_create(Book(name=f"Unlike {letter}") for letter in "abcdef")  # no word is known
    sync_catalog()
    Book.objects.filter(pk__in=[book.pk for book in books[4:]]).update(in_stock=False)
    found = asked(shopper, limit=8)
    assert {entry.source for entry in found.recommendations[:4]} == {"recommender"}
    assert set(found.product_ids[4:]) <= {str(book.pk) for book in new}
    assert len(found.recommendations) == 8


def test_without_a_look_for_causes_the_list_is_the_same_and_names_none(version, popular, shopper, books, did):
    did(shopper, books[10:13])
    told, untold = asked(shopper), asked(shopper, explains=False)
    assert untold.product_ids == told.product_ids
    assert "because" in {entry.reason.kind for entry in told.recommendations}
    assert "because" not in {entry.reason.kind for entry in untold.recommendations}


def test_no_more_cards_are_asked_for_than_fill_the_list(version, popular, shopper, books, did, monkeypatch):
    did(shopper, books[:2])
    whole = asked(shopper, limit=50).product_ids
    numbers, find_cards = [], recommending.find_cards

    def every_third(product_ids, request):
        numbers.append(len(product_ids))
        return {key: card for key, card in find_cards(product_ids, request).items() if whole.index(key) % 3 == 2}

    monkeypatch.setattr(recommending, "MORE", 3)
    monkeypatch.setattr(recommending, "find_cards", every_third)
    query = RecommendationQuery("home", shopper, limit=10, explains=False)
    assert recommend(query).product_ids == whole[2:30:3]
    assert numbers == [20, 3, 12]


def test_a_stranger_who_can_buy_few_of_the_popular_products_sees_the_next(version, popular, books, monkeypatch):
    whole, find_cards = asked(None, limit=50).product_ids, recommending.find_cards
    monkeypatch.setattr(
        recommending,
        "find_cards",
        lambda keys, request: {k: card for k, card in find_cards(keys, request).items() if k in whole[25:]},
    )
    assert asked(None).product_ids == whole[25:35]
