"""A removal that is clicked twice, while the first click is not answered yet: two connections to PostgreSQL."""

from threading import Event

import pytest

from recommendations import controls
from recommendations.ml.kinds import Kind
from recommendations.models import Interaction, Product, RemovedProduct, Shopper
from tests.catalog.test_syncing_meanwhile import beside

LONG_ENOUGH = 0.5  # for a click that does not wait


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("unit", [{"product_id": "tea"}, {"query": "red tea"}], ids=["product", "search"])
def test_a_removal_clicked_twice_is_one_and_undone_once(unit):
    anna, tea = Shopper.objects.create(), Product.objects.create(product_id="tea")
    about = {"product": tea, "kind": Kind.VIEW} if "product_id" in unit else {"kind": Kind.SEARCH, **unit}
    Interaction.objects.create(shopper=anna, source=Interaction.Source.SERVER, event_key=1, **about)
    before, first, told = controls.history_of(anna), Event(), []

    def second_click():
        first.wait(20)
        told.append(controls.remove(anna, **unit))

    with beside(second_click) as thread, Shopper.objects.atomic():
        assert controls.remove(anna, **unit)
        first.set()
        thread.join(LONG_ENOUGH)
    assert told == [False]
    assert RemovedProduct.objects.count() == 1
    assert controls.restore(anna, **unit)
    assert controls.history_of(anna) == before
