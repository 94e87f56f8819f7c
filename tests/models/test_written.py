from datetime import timedelta

import pytest
from django.utils import timezone

from recommendations.ml.kinds import Kind
from recommendations.models import HiddenProduct, Interaction, Product, RemovedProduct, Shopper
from recommendations.models.written import WrittenSelect

pytestmark = pytest.mark.django_db
NOW = timezone.now().replace(microsecond=123_456)


@pytest.fixture
def shoppers():
    """Two who did, removed and hid different things at different times."""
    products = [Product.objects.create(product_id=f"p{k}", category=["Books", f"Shelf {k}"]) for k in range(4)]
    made = []
    for turn in range(2):
        shopper = Shopper.objects.create()
        for age, product in enumerate([*products[turn:], None]):
            Interaction.objects.create(
                shopper=shopper,
                product=product,
                kind=Kind.VIEW if product else Kind.SEARCH,
                query="" if product else f"lamp {turn}",
                source=Interaction.Source.SERVER,
                occurred_at=NOW - timedelta(hours=age),
                event_key=age,
            )
        RemovedProduct.objects.create(shopper=shopper, product=products[turn + 1], removed_at=NOW)
        RemovedProduct.objects.create(shopper=shopper, query="lamp 0", removed_at=NOW)
        for hours, product in ((1, products[turn]), (3, products[3])):
            until = NOW + timedelta(hours=hours)
            HiddenProduct.objects.create(shopper=shopper, product=product, until=until, fewer_like_it=turn == 1)
        made.append(shopper)
    return made


def test_a_written_statement_gives_what_the_orm_gives_of_each_shopper(shoppers):
    told = [Interaction.objects.newest_of(shopper.pk, 3) for shopper in shoppers]
    for shopper, rows in zip(shoppers, told, strict=True):
        assert [tuple(row) for row in rows] == Interaction.objects.remembered().filter(shopper=shopper).newest(3)
    assert [row[0] for row in told[0]] == ["p0", "p2", "p3"] and [row[3] for row in told[1]] == ["", "", "lamp 1"]
    assert len(Interaction.objects.newest_of(shoppers[0].pk, 1)) == 1
    assert Interaction.objects.newest_of(0, 3) == []


def test_what_is_left_out_follows_the_shopper_and_the_time(shoppers):
    for shopper in shoppers:
        for hours in (0, 2, 4):
            now = NOW + timedelta(hours=hours)
            left_out = HiddenProduct.objects.left_out_by(shopper.pk, now)
            rows = list(HiddenProduct.objects.hidden_or_removed(shopper.pk, now))
            assert left_out.products.keys() == {product_id for product_id, *_ in rows}
            assert {key for key, hidden in left_out.products.items() if hidden} == {row[0] for row in rows if row[1]}
    assert HiddenProduct.objects.left_out_by(shoppers[0].pk, NOW).products == {"p0": True, "p1": False, "p3": True}
    assert HiddenProduct.objects.left_out_by(shoppers[1].pk, NOW).fewer == {("Books", "Shelf 1"), ("Books", "Shelf 3")}


def test_a_statement_about_nobody_is_refused():
    everybodys = WrittenSelect(lambda: Interaction.objects.values_list("product_id"))
    with pytest.raises(ValueError, match="SOMEBODY"):
        everybodys.rows("default", 1)
