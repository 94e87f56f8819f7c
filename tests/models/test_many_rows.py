"""Many rows at once are the same rows, however the database takes them."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from django.db import IntegrityError, connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from recommendations.ml.kinds import Kind
from recommendations.models import Interaction, Product, RemovedProduct, Shopper, inserting, interaction
from recommendations.models.inserting import NewInteractions

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(params=["copied", "not copied", "copied without the right to"])
def way(request, monkeypatch):
    """The three ways in, as far as the database knows them."""
    monkeypatch.setattr(inserting, "FEWEST_COPIED", 1 if request.param.startswith("copied") else 10**9)
    if request.param.endswith("right to"):
        monkeypatch.setattr(inserting, "may_make_temporary_tables", lambda cursor: False)


def columns(shopper, product, count, query=""):
    """`count` rows of one shopper: searches when there is a query."""
    return NewInteractions(
        shopper_id=[shopper.pk] * count,
        product_id=[None if query else product.pk] * count,
        kind=[int(Kind.SEARCH if query else Kind.VIEW)] * count,
        source=[3] * count,
        quantity=list(range(1, count + 1)),
        query=[query] * count,
        occurred_at=[NOON + timedelta(microseconds=k) for k in range(count)],
        list_id=[None, *range(2, count + 1)],
        event_key=[(-1) ** k * (2**63 - 1 - k) for k in range(count)],
    )


@pytest.fixture
def tea(db):
    return Product.objects.create(product_id="tea")


def test_every_value_arrives(way, tea):
    ann, rows = Shopper.objects.create(), columns(Shopper.objects.create(), tea, 3)
    rows = NewInteractions(**{**vars(rows), "shopper_id": [ann.pk] * 3})
    assert Interaction.objects.insert_new(rows) == 3
    names = tuple(vars(rows))
    assert set(Interaction.objects.values_list(*names)) == set(zip(*rows.columns, strict=True))


@pytest.mark.parametrize("query", ["red tea", "a\tb", r"back\slash \N \.", "two\nlines\r", "茶 🍵", "quote ' \" ;"])
def test_a_query_arrives_letter_by_letter(way, tea, query):
    Interaction.objects.insert_new(columns(Shopper.objects.create(), None, 2, query))
    assert set(Interaction.objects.values_list("query", flat=True)) == {query}


def test_what_is_there_is_left_alone_and_not_counted(way, tea):
    ann = Shopper.objects.create()
    assert Interaction.objects.insert_new(columns(ann, tea, 2)) == 2
    assert Interaction.objects.insert_new(columns(ann, tea, 5)) == 3
    assert Interaction.objects.count() == 5


def test_nothing_is_stored_that_its_shopper_does_not_let_be_kept(way, tea):
    ann = Shopper.objects.create(erased_at=NOON + timedelta(microseconds=1))
    off = Shopper.objects.create(personalised=False)
    assert Interaction.objects.insert_new(columns(ann, tea, 4)) == 2
    assert Interaction.objects.insert_new(columns(off, tea, 4)) == 0
    assert min(Interaction.objects.values_list("occurred_at", flat=True)) == NOON + timedelta(microseconds=2)


def test_a_row_twice_in_one_call_is_one(way, tea):
    rows = columns(Shopper.objects.create(), tea, 2)
    rows.event_key[1] = rows.event_key[0]
    assert Interaction.objects.insert_new(rows) == 1


def test_two_calls_in_one_transaction_are_as_good(way, tea):
    with transaction.atomic():
        ann, ben = Shopper.objects.create(), Shopper.objects.create()
        assert Interaction.objects.insert_new(columns(ann, tea, 2)) == 2
        assert Interaction.objects.insert_new(columns(ben, tea, 2)) == 2
    assert Interaction.objects.count() == 4


@pytest.mark.django_db(transaction=True)
def test_one_row_that_can_not_be_stored_leaves_none(way, tea):
    rows = columns(Shopper.objects.create(), tea, 3)
    rows.product_id[2] = tea.pk + 1_000
    with pytest.raises(IntegrityError):
        Interaction.objects.insert_new(rows)
    assert not Interaction.objects.exists()
    rows.product_id[2] = tea.pk
    assert Interaction.objects.insert_new(rows) == 3


EVENTS = st.tuples(st.integers(0, 4), st.integers(0, 2), st.sampled_from([Kind.VIEW, Kind.RETURN]), st.integers(0, 9))


class ReadingForTraining(TestCase):
    @settings(max_examples=30, deadline=None)
    @given(st.lists(EVENTS, unique=True, max_size=20), st.lists(EVENTS, max_size=4), st.sets(st.integers(0, 4)))
    def test_parts_by_shopper_hold_what_training_may_use_and_no_more(self, events, removals, opted_out):
        shoppers = [Shopper.objects.create(personalised=k not in opted_out) for k in range(5)]
        products = [Product.objects.create(product_id=str(k)) for k in range(3)]
        for number, (shopper, product, kind, hour) in enumerate(events):
            Interaction.objects.create(
                shopper=shoppers[shopper],
                product=products[product] if hour else None,
                kind=kind if hour else Kind.SEARCH,
                query="" if hour else f"query {product}",
                source=1,
                occurred_at=NOON + timedelta(hours=hour, milliseconds=900),
                event_key=number,
            )
        for shopper, product, _, hour in removals:
            about = {"product": products[product]} if hour else {"product": None, "query": f"query {product}"}
            RemovedProduct.objects.update_or_create(
                shopper=shoppers[shopper], **about, defaults={"removed_at": NOON + timedelta(hours=hour + 1)}
            )
        first, last = shoppers[0].pk, shoppers[3].pk
        part = Interaction.objects.for_training_of(first, last)
        whole = Interaction.objects.for_training().filter(shopper__in=shoppers[:4])
        assert sorted(part.rows()) == sorted(whole.rows())
        assert sorted(part.searches()) == sorted(whole.searches())
        read = sorted(map(tuple, np.concatenate([*part.arrays(), np.zeros((0, 4))]).tolist()))
        assert read == sorted([*whole.rows(), *((who, 0, kind, when) for who, _, kind, when in whole.searches())])
        chosen = [shoppers[0].pk, shoppers[3].pk]
        assert sorted(part.of_shoppers(chosen).rows()) == sorted(whole.filter(shopper__in=chosen).rows())
        assert sorted(whole.of_shoppers([first, last]).rows()) == sorted(whole.filter(shopper__in=chosen).rows())
        assert sorted(part.of_shoppers(range(first, last + 1)).rows()) == sorted(whole.rows())


def test_arrays_come_in_blocks_of_what_the_database_holds_in_one_value(tea, monkeypatch):
    monkeypatch.setattr(interaction, "BLOCK", 2)
    Interaction.objects.insert_new(columns(Shopper.objects.create(), tea, 7))
    blocks = list(Interaction.objects.arrays())
    assert len(blocks) >= (4 if connection.vendor == "postgresql" else 1)
    assert sum(map(len, blocks)) == 7
    assert {block.dtype for block in blocks} == {np.dtype(np.int64)}
