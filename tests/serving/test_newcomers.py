"""A product saved after the training is in the lists within one look at the mirror, with reasons that are true."""

import numpy as np
import pytest

from recommendations.catalog import sync_catalog
from recommendations.ml.kinds import Kind
from recommendations.ml.sequences import History
from recommendations.models import Product
from recommendations.publishing import current, current_recommender, newcomers
from recommendations.serving import RecommendationQuery, recommend
from tests.published import publish_made_artifact
from tests.serving.test_truth import is_out_without_its_anchors, removed, shopper_who, without
from tests.shop.models import Book


@pytest.fixture
def version(books, monkeypatch):
    monkeypatch.setattr(current, "REFRESH_SECONDS", 0.0)
    return publish_made_artifact(texts=[f"{book.shelf} {book.name}" for book in books])


def arrive(*names, shelf="Cooking"):
    """Books that the shop has from now on."""
    made = Book.objects.bulk_create(Book(name=name, shelf=shelf) for name in names)
    sync_catalog()
    return [Product.objects.get(product_id=str(book.pk)) for book in made]


def placed(query):
    return {entry.card.product_id: entry for entry in recommend(query).recommendations}


def test_it_is_recommended_without_training_and_gone_with_the_shops_word(products, popular, now):
    shopper = shopper_who([(1, Kind.VIEW), (7, Kind.VIEW)], products, now)
    query = RecommendationQuery("home", shopper, limit=60, now=now)
    before = placed(query)
    (new,) = arrive("Soups 7")
    entry = placed(query)[new.product_id]
    assert (new.product_id in before, entry.source) == (False, "recommender")
    Book.objects.filter(pk=new.product_id).update(in_stock=False)
    assert new.product_id not in placed(query)  # the shop's own word, at once
    sync_catalog()
    loaded = current_recommender()
    assert not loaded.eligible[loaded.scorer.vocabulary.number(new.product_id)]


def test_lists_that_are_being_made_go_on_with_what_they_have(products, now):
    loaded = current_recommender()
    arrive("Soups 7")
    later = current_recommender()
    assert (len(loaded.eligible), len(later.eligible)) == (61, 62)
    assert later.category[61] == later.category[1] != later.category[2]  # a book of Cooking, as the first is
    assert current_recommender() is later


def test_what_nothing_known_is_like_waits_for_a_training(products, now):
    waiting, placed = arrive("Xyzzy", shelf="Unheard")[0], arrive("Soups 7")[0]
    loaded = current_recommender()
    assert loaded.scorer.vocabulary.product_ids[60:] == [placed.product_id]
    assert loaded.unknown == (waiting.product_id,)


def test_of_many_the_newest_have_a_place(products, now, monkeypatch):
    monkeypatch.setattr(newcomers, "MOST_NEWCOMERS", 3)
    some = arrive(*(f"Soups {k}" for k in range(1, 6)))
    found = current_recommender().scorer.vocabulary.product_ids[60:]
    assert found == [product.product_id for product in some[2:]]


def test_reasons_with_newcomers_are_true_and_predictions_come_true(products, popular, now):
    new = arrive(*(f"Soups {k}" for k in range(1, 9)))
    everything = [*products, *new]
    claims = 0
    for seed in range(6):
        rng = np.random.default_rng(seed)
        events = [(int(place), Kind.VIEW) for place in rng.integers(50, 68, 4)]
        query = RecommendationQuery("home", shopper_who(events, everything, now), limit=8, now=now)
        for entry in recommend(query).recommendations:
            if entry.reason.kind == "because":
                claims += 1
                assert is_out_without_its_anchors(query, entry)
        unit = everything[events[0][0]]
        predicted = recommend(without(query, unit)).product_ids
        assert removed(query, unit).product_ids == predicted
    assert claims > 5


def test_what_is_alike_is_expected_next_at_once(books, now, monkeypatch):
    monkeypatch.setattr(current, "REFRESH_SECONDS", 0.0)
    publish_made_artifact(texts=[f"{book.shelf} {book.name}" for book in books])
    known = next(book for book in books if book.shelf == "Cooking")
    new, _ = arrive(known.name, "Nothing like it", shelf="Cooking")
    scorer = current_recommender().scorer
    item, other = (scorer.vocabulary.number(key) for key in (new.product_id, str(known.pk)))
    alike = dict(zip(scorer.newcomers[0].likeness.items.tolist(), scorer.newcomers[0].likeness.weights, strict=True))
    assert alike[other] == pytest.approx(1, abs=1e-5)
    viewed = [History.of([read], [Kind.VIEW]) for read in (other, item)]
    table = scorer.score.parts(scorer.encode(viewed), viewed).table
    assert table[0, item] == pytest.approx(0.5, abs=1e-5)  # the weight of likeness, once
    assert table[1, other] == pytest.approx(0.5, abs=1e-5)
