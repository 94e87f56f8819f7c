"""record_order(): what was bought together, as the shop says it."""

from decimal import Decimal

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from recommendations.capture import Batch, import_rows, record, record_order
from recommendations.exceptions import InvalidInteraction, NotConfigured
from recommendations.ml.kinds import Kind
from recommendations.models import Interaction, Shopper
from recommendations.models.shopper import hash_key
from tests.capture.conftest import stored

pytestmark = pytest.mark.usefixtures("products")
lenient = override_settings(RECOMMENDATIONS={"STRICT": False})
COOKIE = "recommendations_shopper"


def test_the_lines_of_an_order_share_its_time(user):
    assert record_order(user, [("tea", 2), ("cup", 1)], order_id=17) == 2
    assert [row[1:] for row in stored()] == [("tea", Kind.PURCHASE, 2), ("cup", Kind.PURCHASE, 1)]
    assert Interaction.objects.values("occurred_at").distinct().count() == 1


def test_one_product_on_two_lines_is_one_purchase(user):
    assert record_order(user, [("tea", 2), ("tea", 3)], order_id=17) == 1
    assert [row[3] for row in stored()] == [5]


def test_an_order_recorded_again_adds_nothing(user):
    record_order(user, [("tea", 2)], order_id=17)
    assert record_order(user, [("tea", 2), ("cup", 1)], order_id="17", occurred_at=timezone.now()) == 1


def test_an_order_recorded_live_and_imported_later_is_one(user):
    record_order(user, [("tea", 2)], order_id=17)
    time = int(timezone.now().timestamp())
    result = import_rows([Batch([str(user.pk)], ["tea"], [time], order="17")], shoppers_are_users=True)
    assert (result.added, result.repeated) == (0, 1)


def test_a_guests_order_is_kept_under_its_number(request_of):
    assert record_order(request_of(), [("tea", 1)], order_id=17) == 1
    assert Shopper.objects.get().external_id == "guest:17"


def test_a_known_visitors_order_is_the_visitors(request_of):
    visitor = Shopper.objects.create(key_hash=hash_key("key"))
    record_order(request_of(**{COOKIE: "key"}), [("tea", 1)], order_id=17)
    assert Interaction.objects.get().shopper == visitor


def test_the_order_of_a_visitor_who_opted_out_is_not_kept_as_a_guests(request_of):
    Shopper.objects.create(key_hash=hash_key("key"), personalised=False)
    assert record_order(request_of(**{COOKIE: "key"}), [("tea", 1)], order_id=17) == 0
    assert Shopper.objects.count() == 1


def test_an_unknown_product_does_not_take_the_rest_of_the_order_along(user, caplog):
    with lenient:
        assert record_order(user, [("tea", 1), ("no such", 1)], order_id=17) == 1
    assert "['no such'] are not in the catalog" in caplog.text
    with pytest.raises(InvalidInteraction, match="no such"):
        record_order(user, [("tea", 1), ("no such", 1)], order_id=18)


def test_an_order_needs_its_number(user):
    with pytest.raises(InvalidInteraction, match="the number of the order"):
        record_order(user, [("tea", 1)], order_id="")


def test_an_order_is_one_insert(user):
    Shopper.objects.create(user=user)
    with CaptureQueriesContext(connection) as captured:
        record_order(user, [("tea", 1), ("cup", 1), ("pot", 1)], order_id=17)
    assert len([entry for entry in captured if "INSERT INTO" in entry["sql"]]) == 1


def test_a_line_that_can_not_be_used_does_not_take_the_rest_of_the_order_along(user, caplog):
    lines = [("tea", Decimal("2.0")), (None, 1), ("cup", 0), ("cup", Decimal("0.5")), ("pot", None), (user, 1)]
    with lenient:
        assert record_order(user, lines, order_id=17) == 1
    assert [(product, quantity) for _, product, _, quantity in stored()] == [("tea", 2)]
    assert "5 lines of an order name no product or no whole quantity" in caplog.text
    for line in lines[1:]:
        with pytest.raises((InvalidInteraction, NotConfigured, TypeError)):
            record_order(user, [line], order_id=18)


@pytest.mark.parametrize("agent", ["okhttp/4.12.0", "python-requests/2.34", "axios/1.7"])
def test_what_a_shops_own_app_orders_is_recorded_and_what_its_users_view(user, request_of, agent):
    assert record_order(request_of(agent=agent), [("tea", 2)], "A-1") == 1
    assert record_order(request_of(user, agent=agent), [("tea", 1)], "A-2") == 1
    assert record(request_of(user, agent=agent), Kind.VIEW, "cup")
    assert not record(request_of(agent=agent), Kind.VIEW, "pot", response=HttpResponse())
