from datetime import timedelta
from hashlib import sha256

import pytest
from django.utils import timezone

from recommendations import controls
from recommendations.capture import Batch, import_rows
from recommendations.exceptions import UnknownProduct
from recommendations.ml.kinds import Kind
from recommendations.models import HiddenProduct, Interaction, Product, RemovedProduct, Shopper

NOW = timezone.now().replace(microsecond=0)


@pytest.fixture
def products(db):
    return [Product.objects.create(product_id=key, title=f"Title of {key}") for key in ("a", "b", "c")]


@pytest.fixture
def anna(db):
    return Shopper.objects.create()


def did(shopper, product, kind, hours_ago, query=""):
    """One stored event, `hours_ago` before NOW."""
    return Interaction.objects.create(
        shopper=shopper,
        product=product,
        kind=kind,
        query=query,
        source=Interaction.Source.SERVER,
        occurred_at=NOW - timedelta(hours=hours_ago),
        event_key=Interaction.objects.count() + 1,
    )


def remembered(shopper):
    return set(Interaction.objects.remembered().filter(shopper=shopper).values_list("pk", flat=True))


def test_history_is_one_entry_a_product_or_search_newest_first(products, anna):
    did(anna, products[0], Kind.VIEW, 9)
    did(anna, products[0], Kind.PURCHASE, 3)
    did(anna, products[1], Kind.VIEW, 5)
    did(anna, None, Kind.SEARCH, 1, "red tea")
    found = [(unit.product_id, unit.query, unit.event, unit.events) for unit in controls.history_of(anna)]
    assert found == [
        ("", "red tea", "searched", 1),
        ("a", "", "bought", 2),
        ("b", "", "viewed", 1),
    ]


@pytest.mark.parametrize(
    ("kinds", "word"),
    [
        ([Kind.VIEW, Kind.SAVE], "saved"),
        ([Kind.VIEW, Kind.ADD_TO_CART], "in_basket"),
        ([Kind.ADD_TO_CART, Kind.REMOVE_FROM_CART, Kind.VIEW], "viewed"),
        ([Kind.ADD_TO_CART, Kind.REMOVE_FROM_CART], "put_in_basket"),
        ([Kind.REMOVE_FROM_CART], "taken_out"),
        ([Kind.ADD_TO_CART, Kind.PURCHASE], "bought"),
        ([Kind.PURCHASE, Kind.RETURN], "returned"),
        ([Kind.VIEW, Kind.PURCHASE, Kind.RETURN], "viewed"),
        ([Kind.PURCHASE, Kind.RETURN, Kind.PURCHASE], "bought"),
        ([Kind.PURCHASE, Kind.ADD_TO_CART], "bought"),
    ],
)
def test_the_word_is_the_strongest_that_still_holds(products, anna, kinds, word):
    for age, kind in enumerate(reversed(kinds)):
        did(anna, products[0], kind, age)
    assert [unit.event for unit in controls.history_of(anna)] == [word]


def test_history_is_ones_own(products, anna):
    did(Shopper.objects.create(), products[0], Kind.VIEW, 1)
    assert controls.history_of(anna) == []


def test_removed_is_forgotten_and_later_events_count_again(products, anna):
    old = did(anna, products[0], Kind.VIEW, 5)
    other = did(anna, products[1], Kind.VIEW, 4)
    assert controls.remove(anna, product_id="a", now=NOW - timedelta(hours=2))
    assert remembered(anna) == {other.pk}
    new = did(anna, products[0], Kind.VIEW, 1)
    assert remembered(anna) == {other.pk, new.pk}
    assert old.pk not in remembered(anna)


def test_an_event_at_the_moment_of_removal_is_forgotten(products, anna):
    did(anna, products[0], Kind.VIEW, 0)
    assert controls.remove(anna, product_id="a", now=NOW)
    assert remembered(anna) == set()


@pytest.mark.parametrize("unit", [{"product_id": "a"}, {"query": "red tea"}], ids=["product", "search"])
def test_a_removal_covers_what_a_faster_clock_stamped(products, anna, unit):
    about = (products[0], Kind.VIEW) if "product_id" in unit else (None, Kind.SEARCH)
    for hours_ago in (3, 1):
        did(anna, *about, hours_ago, unit.get("query", ""))
    before = controls.history_of(anna)
    assert controls.remove(anna, **unit, now=NOW - timedelta(hours=2))
    assert remembered(anna) == set()
    assert controls.restore(anna, **unit)
    assert controls.history_of(anna) == before
    controls.remove(anna, **unit, now=NOW - timedelta(hours=2))
    new = did(anna, *about, 0.5, unit.get("query", ""))
    assert remembered(anna) == {new.pk}


def test_undo_brings_back_every_event(products, anna):
    did(anna, products[0], Kind.VIEW, 5)
    did(anna, products[0], Kind.PURCHASE, 4)
    before = controls.history_of(anna)
    controls.remove(anna, product_id="a", now=NOW)
    assert [unit.product_id for unit in controls.removed_by(anna)] == ["a"]
    assert controls.restore(anna, product_id="a")
    assert controls.history_of(anna) == before
    assert controls.removed_by(anna) == []


def test_undo_brings_back_what_the_last_removal_took_and_nothing_else(products, anna):
    met = []
    for hours in (6, 4, 2):
        met.append(did(anna, products[0], Kind.VIEW, hours))
        controls.remove(anna, product_id="a", now=NOW - timedelta(hours=hours - 1))
    for known in ({met[2].pk}, {met[2].pk, met[1].pk}, {event.pk for event in met}):
        assert [unit.product_id for unit in controls.removed_by(anna)] == ["a"]
        assert controls.restore(anna, product_id="a")
        assert remembered(anna) == known
    assert not controls.restore(anna, product_id="a")


def test_a_search_can_be_removed_and_put_back(products, anna):
    did(anna, None, Kind.SEARCH, 1, "red tea")
    kept = did(anna, None, Kind.SEARCH, 1, "green tea")
    assert controls.remove(anna, query="red tea", now=NOW)
    assert remembered(anna) == {kept.pk}
    assert controls.restore(anna, query="red tea")
    assert len(remembered(anna)) == 2


def test_what_is_not_remembered_can_not_be_removed_or_restored(products, anna):
    for unit in ({"product_id": "a"}, {"product_id": "no such"}, {"query": "tea"}):
        assert not controls.remove(anna, **unit)
        assert not controls.restore(anna, **unit)
    assert RemovedProduct.objects.count() == 0


def test_what_no_database_holds_was_never_met(products, anna):
    for unit in ({"product_id": "a\0"}, {"query": "tea\0"}):
        assert not controls.remove(anna, **unit)
        assert not controls.restore(anna, **unit)
    assert not controls.show_again(anna, "a\0")
    with pytest.raises(UnknownProduct, match="Unknown product"):
        controls.hide(anna, "a\0")


@pytest.mark.parametrize("unit", [{}, {"product_id": "a", "query": "tea"}])
def test_a_removal_names_one_thing(anna, unit):
    with pytest.raises(ValueError, match="a product_id or a query, and not both"):
        controls.remove(anna, **unit)


def test_nobody_removes_for_another(products, anna):
    bert = Shopper.objects.create()
    did(anna, products[0], Kind.VIEW, 1)
    assert not controls.remove(bert, product_id="a")
    assert len(remembered(anna)) == 1


def test_the_next_training_holds_no_row_of_it(products, anna):
    did(anna, products[0], Kind.VIEW, 2)
    did(anna, products[1], Kind.VIEW, 1)
    controls.remove(anna, product_id="a", now=NOW)
    assert {row[1] for row in Interaction.objects.for_training().rows()} == {products[1].pk}


def test_who_opted_out_is_not_learned_from(products, anna):
    did(anna, products[0], Kind.VIEW, 2)
    Shopper.objects.filter(pk=anna.pk).update(personalised=False)
    assert list(Interaction.objects.for_training().rows()) == []


def test_training_rows_are_by_shopper_and_time_in_whole_seconds(products, anna):
    did(anna, products[0], Kind.VIEW, 1)
    did(anna, products[1], Kind.PURCHASE, 2)
    at = int(NOW.timestamp())
    assert list(Interaction.objects.for_training().rows()) == [
        (anna.pk, products[1].pk, Kind.PURCHASE, at - 7200),
        (anna.pk, products[0].pk, Kind.VIEW, at - 3600),
    ]


def test_hidden_for_half_a_year(products, anna):
    controls.hide(anna, "a", now=NOW)
    controls.hide(anna, "a", now=NOW + timedelta(days=1))
    hidden = HiddenProduct.objects.get()
    assert hidden.until == NOW + timedelta(days=181)


def test_an_unknown_product_can_not_be_hidden(anna):
    with pytest.raises(UnknownProduct, match="Unknown product 'x'"):
        controls.hide(anna, "x")


def test_purge_deletes_what_was_removed_thirty_days_ago_and_keeps_the_tombstone(products, anna):
    did(anna, products[0], Kind.VIEW, 5)
    kept = did(anna, products[1], Kind.VIEW, 5)
    controls.remove(anna, product_id="a", now=NOW)
    assert controls.purge(NOW + timedelta(days=29)).removed == 0
    assert controls.purge(NOW + timedelta(days=31)).removed == 1
    assert list(Interaction.objects.values_list("pk", flat=True)) == [kept.pk]
    assert RemovedProduct.objects.count() == 1


def test_a_second_removal_keeps_nothing_longer(products, anna):
    did(anna, products[0], Kind.VIEW, 5)
    controls.remove(anna, product_id="a", now=NOW - timedelta(hours=4))
    again = did(anna, products[0], Kind.VIEW, -24 * 20)
    now = NOW + timedelta(days=31)
    controls.remove(anna, product_id="a", now=NOW + timedelta(days=21))
    assert controls.purge(now).removed == 1
    assert list(Interaction.objects.values_list("pk", flat=True)) == [again.pk]
    assert controls.restore(anna, product_id="a", now=now)
    assert remembered(anna) == {again.pk}


def test_of_a_search_removed_thirty_days_ago_only_a_hash_is_kept(products, anna):
    kept = [did(anna, products[0], Kind.VIEW, 5), did(anna, None, Kind.SEARCH, 4, "grüner Tee 茶")]
    did(anna, None, Kind.SEARCH, 3, "red tea")
    controls.remove(anna, query="red tea", now=NOW)
    assert controls.searches_removed_for_good(anna) == 0
    controls.purge(NOW + timedelta(days=31))
    (removal,) = controls.export(anna, None)["removed"]
    assert (removal["query"], removal["query_hash"]) == ("", sha256(b"red tea").hexdigest())
    assert controls.searches_removed_for_good(anna) == 1
    assert remembered(anna) == {event.pk for event in kept}
    batch = Batch(["anna"], [""], [int(NOW.timestamp()) - 3 * 3600], kind=Kind.SEARCH, query="red tea")
    Shopper.objects.filter(pk=anna.pk).update(external_id="anna")
    assert import_rows([batch]).added == 1
    assert remembered(anna) == {event.pk for event in kept}
    assert controls.purge(NOW + timedelta(days=32)).removed == 1
    later = did(anna, None, Kind.SEARCH, -24 * 33, "red tea")
    assert later.pk in remembered(anna)


def test_a_removed_search_takes_nothing_with_it_that_was_done_with_a_product(products, anna):
    """Older versions kept the words that came with a purchase."""
    bought = did(anna, products[0], Kind.PURCHASE, 2, "green tea")
    did(anna, None, Kind.SEARCH, 3, "green tea")
    controls.remove(anna, query="green tea", now=NOW)
    assert remembered(anna) == {bought.pk}
    for days in (31, 32):  # by its words, then by their hash
        controls.purge(NOW + timedelta(days=days))
        assert remembered(anna) == {bought.pk}


def test_what_was_removed_is_forgotten_for_good_with_the_retention(products, anna):
    for hours, product, query in ((2, products[0], ""), (1, None, "red tea")):
        did(anna, product, Kind.VIEW if product else Kind.SEARCH, hours, query)
    controls.remove(anna, product_id="a", now=NOW)
    controls.remove(anna, query="red tea", now=NOW)
    controls.purge(NOW + timedelta(days=729))
    assert RemovedProduct.objects.count() == 2
    controls.purge(NOW + timedelta(days=731))
    assert RemovedProduct.objects.count() == 0


@pytest.mark.parametrize("purged", [True, False])
def test_what_can_not_be_undone_any_more_is_told_and_can_be_shown_again(products, anna, purged):
    did(anna, products[0], Kind.VIEW, 2)
    controls.remove(anna, product_id="a", now=NOW)
    assert (controls.hidden_by(anna, NOW), controls.show_again(anna, "a", NOW)) == ([], False)
    now = NOW + timedelta(days=31)
    if purged:
        controls.purge(now)
    assert controls.removed_by(anna, now) == []
    hidden = controls.Hidden("a", NOW + timedelta(days=730), removed_at=NOW)
    assert controls.hidden_by(anna, now) == [hidden]
    assert HiddenProduct.objects.left_out_by(anna.pk, now).products == {"a": False}
    assert controls.show_again(anna, "a", now)
    assert (controls.hidden_by(anna, now), controls.history_of(anna)) == ([], [])
    assert HiddenProduct.objects.left_out_by(anna.pk, now).products == {}
    assert not controls.show_again(anna, "a", now)


def test_no_import_brings_back_what_is_shown_again(products, anna):
    Shopper.objects.filter(pk=anna.pk).update(external_id="anna")
    batch = Batch(["anna"], ["a"], [int(NOW.timestamp()) - 3600])
    assert import_rows([batch]).added == 1
    controls.remove(anna, product_id="a", now=NOW)
    now = NOW + timedelta(days=31)
    controls.purge(now)
    controls.show_again(anna, "a", now)
    assert import_rows([batch]).added == 1
    assert controls.history_of(anna) == []
    assert controls.purge(now).removed == 1
    (removal,) = controls.export(anna, None)["removed"]
    assert removal["shown_again"]


def test_shown_again_and_removed_anew(products, anna):
    did(anna, products[0], Kind.VIEW, 24 * 40)
    controls.remove(anna, product_id="a", now=NOW - timedelta(days=39))
    assert controls.show_again(anna, "a", NOW)
    did(anna, products[0], Kind.VIEW, 2)
    controls.remove(anna, product_id="a", now=NOW)
    assert HiddenProduct.objects.left_out_by(anna.pk, NOW).products == {"a": False}
    assert controls.restore(anna, product_id="a", now=NOW)
    assert HiddenProduct.objects.left_out_by(anna.pk, NOW).products == {}
    assert len(remembered(anna)) == 1


def test_purge_deletes_what_is_older_than_the_retention(products, anna, settings):
    settings.RECOMMENDATIONS = {"STRICT": True, "RETENTION_DAYS": 10}
    did(anna, products[0], Kind.VIEW, 24 * 11)
    kept = did(anna, products[0], Kind.VIEW, 24 * 9)
    assert controls.purge(NOW).old == 1
    assert list(Interaction.objects.values_list("pk", flat=True)) == [kept.pk]


def test_purge_forgets_what_is_hidden_no_more(products, anna):
    HiddenProduct.objects.create(shopper=anna, product=products[0], until=timezone.now() - timedelta(days=1))
    controls.purge()
    assert HiddenProduct.objects.count() == 0
