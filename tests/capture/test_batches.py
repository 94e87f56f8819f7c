from datetime import UTC, datetime

import numpy as np
import pytest
from django.contrib.auth import get_user_model

from recommendations.capture import Batch, import_rows
from recommendations.controls import erase
from recommendations.exceptions import InvalidInteraction, UnknownProduct
from recommendations.ml.kinds import Kind
from recommendations.models import Interaction, Product, RemovedProduct, Shopper

NOON = int(datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp())


@pytest.fixture(autouse=True)
def products(db):
    return Product.objects.bulk_create(Product(product_id=name) for name in ("tea", "cup", "pot"))


def stored():
    rows = Interaction.objects.order_by("shopper__external_id", "occurred_at", "product__product_id")
    return list(rows.values_list("shopper__external_id", "product__product_id", "kind", "quantity"))


def test_rows_become_interactions_of_new_shoppers():
    result = import_rows([Batch(["ann", "bob"], ["tea", "cup"], [NOON, NOON + 1], quantity=[2, 1])])
    assert (result.read, result.added, result.repeated) == (2, 2, 0)
    assert stored() == [("ann", "tea", Kind.PURCHASE, 2), ("bob", "cup", Kind.PURCHASE, 1)]
    first = Interaction.objects.get(shopper__external_id="ann")
    assert first.occurred_at == datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert first.source == Interaction.Source.IMPORT
    assert first.list_id is None


def test_numpy_columns_store_the_same_as_lists():
    batch = Batch(np.array(["ann", "ann"]), np.array(["tea", "cup"]), np.array([NOON, NOON]), quantity=np.array([3, 4]))
    import_rows([batch])
    import_rows([Batch(["ann", "ann"], ["tea", "cup"], [NOON, NOON], quantity=[3, 4])])
    assert stored() == [("ann", "cup", Kind.PURCHASE, 4), ("ann", "tea", Kind.PURCHASE, 3)]


def test_importing_again_adds_nothing():
    batch = Batch(["ann", "ann", "bob"], ["tea", "cup", "tea"], [NOON, NOON, NOON])
    first, again = import_rows([batch]), import_rows([batch])
    assert (first.added, first.repeated) == (3, 0)
    assert (again.added, again.repeated) == (0, 3)
    assert len(stored()) == 3


def test_an_import_that_stopped_half_way_is_completed_by_the_next():
    half, whole = Batch(["ann"], ["tea"], [NOON]), Batch(["ann", "ann"], ["tea", "cup"], [NOON, NOON])
    import_rows([half])
    result = import_rows([whole])
    assert (result.added, result.repeated) == (1, 1)


def test_lines_of_one_order_and_product_become_one_with_their_sum():
    lines = Batch(["ann"] * 3, ["tea", "cup", "tea"], [NOON] * 3, quantity=[1, 5, 2], order="536365")
    result = import_rows([lines])
    assert (result.read, result.added, result.repeated) == (3, 2, 1)
    assert stored() == [("ann", "cup", Kind.PURCHASE, 5), ("ann", "tea", Kind.PURCHASE, 3)]


def test_the_sum_of_an_order_stays_within_what_can_be_stored():
    import_rows([Batch(["ann"] * 2, ["tea", "tea"], [NOON] * 2, quantity=2**31 - 1, order="536365")])
    assert stored() == [("ann", "tea", Kind.PURCHASE, 2**31 - 1)]


def test_lines_of_one_order_share_the_time_of_the_first():
    import_rows([Batch(["ann"] * 2, ["tea", "cup"], [NOON, NOON + 60], order="536365")])
    assert Interaction.objects.values("occurred_at").distinct().count() == 1


def test_rows_are_inserted_by_shopper_and_time_whatever_their_order():
    """Of two imports that insert the same rows in different orders each would wait for the other."""
    who, what = ["bob", "ann", "ann", "bob", "ann"], ["tea", "cup", "tea", "cup", "pot"]
    Shopper.objects.bulk_create([Shopper(external_id="ann"), Shopper(external_id="bob")])
    import_rows([Batch(who, what, [NOON, NOON + 5, NOON, NOON - 5, NOON], kind=Kind.VIEW)])
    rows = Interaction.objects.order_by("pk").values_list("shopper__external_id", "product__product_id")
    assert list(rows) == [("ann", "tea"), ("ann", "pot"), ("ann", "cup"), ("bob", "cup"), ("bob", "tea")]


def test_the_same_product_in_two_orders_is_bought_twice():
    import_rows([Batch(["ann"] * 2, ["tea", "tea"], [NOON, NOON], order=["1", "2"])])
    assert len(stored()) == 2


def test_two_shoppers_may_do_the_same_at_the_same_time():
    import_rows([Batch(["ann", "bob"], ["tea", "tea"], [NOON, NOON])])
    assert len(stored()) == 2


def test_the_same_row_without_an_order_is_one():
    result = import_rows([Batch(["ann", "ann"], ["tea", "tea"], [NOON, NOON], quantity=[1, 1])])
    assert (result.added, result.repeated) == (1, 1)
    assert stored() == [("ann", "tea", Kind.PURCHASE, 1)]


def test_searches_have_a_query_and_no_product():
    import_rows([Batch(["ann"] * 2, ["", ""], [NOON, NOON], kind=Kind.SEARCH, query=["red tea", "green tea"])])
    found = Interaction.objects.order_by("query").values_list("query", "product", "kind")
    assert list(found) == [("green tea", None, Kind.SEARCH), ("red tea", None, Kind.SEARCH)]


def test_nothing_up_to_the_erasure_comes_back():
    Shopper.objects.create(external_id="ann", erased_at=datetime.fromtimestamp(NOON, UTC))
    result = import_rows([Batch(["ann"] * 3, ["tea", "cup", "pot"], [NOON - 1, NOON, NOON + 1])])
    assert (result.added, result.forgotten) == (1, 2)
    assert stored() == [("ann", "pot", Kind.PURCHASE, 1)]


def test_nothing_is_stored_of_who_opted_out():
    Shopper.objects.create(external_id="ann", personalised=False)
    result = import_rows([Batch(["ann", "bob"], ["tea", "tea"], [NOON, NOON])])
    assert (result.added, result.forgotten) == (1, 1)
    assert stored() == [("bob", "tea", Kind.PURCHASE, 1)]


def test_who_has_everything_erased_during_an_import_gets_nothing_back():
    def batches():
        yield Batch(["ann", "bob"], ["tea", "tea"], [NOON, NOON])
        erase(Shopper.objects.get(external_id="ann"))
        Shopper.objects.filter(external_id="bob").update(personalised=False)
        yield Batch(["ann", "bob", "eve"], ["cup", "cup", "cup"], [NOON, NOON, NOON])

    result = import_rows(batches())
    assert (result.added, result.forgotten, result.repeated) == (3, 2, 0)
    assert stored() == [("bob", "tea", Kind.PURCHASE, 1), ("eve", "cup", Kind.PURCHASE, 1)]


def test_a_removal_stays_in_force_over_an_import(products):
    ann = Shopper.objects.create(external_id="ann")
    RemovedProduct.objects.create(shopper=ann, product=products[0], removed_at=datetime.fromtimestamp(NOON, UTC))
    import_rows([Batch(["ann"] * 2, ["tea", "cup"], [NOON - 5, NOON - 5])])
    remembered = Interaction.objects.remembered().values_list("product__product_id", flat=True)
    assert list(remembered) == ["cup"]


def test_users_can_be_named_by_their_primary_key(django_user_model):
    user = django_user_model.objects.create_user("ann@example.com", password="x")
    result = import_rows([Batch([str(user.pk)], ["tea"], [NOON])], shoppers_are_users=True)
    assert result.added == 1
    assert Shopper.objects.get().user == user
    assert import_rows([Batch([str(user.pk)], ["tea"], [NOON])], shoppers_are_users=True).added == 0


def test_an_unknown_user_is_refused_and_nothing_of_the_batch_stored(django_user_model):
    user = django_user_model.objects.create_user("ann@example.com", password="x")
    unknown = "9" * 4 if str(user.pk).isdigit() else "0" * 32
    with pytest.raises(InvalidInteraction, match="expected the primary key of a user"):
        import_rows([Batch([str(user.pk), unknown], ["tea", "tea"], [NOON, NOON])], shoppers_are_users=True)
    assert stored() == []
    assert get_user_model().objects.count() == 1


def test_an_unknown_product_rolls_its_batch_back_and_leaves_those_before():
    with pytest.raises(UnknownProduct, match="'sofa'"):
        import_rows([Batch(["ann"], ["tea"], [NOON]), Batch(["ann"] * 2, ["cup", "sofa"], [NOON, NOON])])
    assert stored() == [("ann", "tea", Kind.PURCHASE, 1)]


def test_progress_counts_rows():
    told = []
    batches = [Batch(["ann"] * 2, ["tea", "cup"], [NOON, NOON]), Batch(["bob"], ["tea"], [NOON])]
    import_rows(batches, told.append)
    assert told == [2, 3]


def test_an_empty_batch_is_nothing():
    assert import_rows([Batch([], [], [])]).read == 0


def test_one_statement_for_many_rows(django_assert_max_num_queries):
    batch = Batch(["ann"] * 300, ["tea", "cup", "pot"] * 100, list(range(NOON, NOON + 300)))
    with django_assert_max_num_queries(9):
        import_rows([batch])
    assert len(stored()) == 300
