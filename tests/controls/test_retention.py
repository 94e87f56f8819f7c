"""What is older than RETENTION_DAYS is not kept, and does not come back either."""

from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.http import HttpResponse
from django.utils import timezone

from recommendations import controls
from recommendations.capture import Batch, import_rows, record, record_order
from recommendations.conf import get_config
from recommendations.cookies import give_cookie
from recommendations.ml.kinds import Kind
from recommendations.models import HiddenProduct, Interaction, Product, RemovedProduct, Shopper

NOW = timezone.now().replace(microsecond=0)


@pytest.fixture
def anna(db):
    Product.objects.create(product_id="tea")
    return Shopper.objects.create(external_id="anna")


def bought(days_ago):
    """A file with one purchase of Anna's."""
    return Batch(["anna"], ["tea"], [int((NOW - timedelta(days=days_ago)).timestamp())])


def kept_for(days):
    return {"STRICT": True, "RETENTION_DAYS": days}


def test_no_import_brings_back_what_was_removed_before_the_retention(anna, settings):
    import_rows([bought(50)])
    controls.remove(anna, product_id="tea", now=NOW - timedelta(days=45))
    settings.RECOMMENDATIONS = kept_for(40)
    controls.purge(NOW)
    assert not RemovedProduct.objects.exists()
    result = import_rows([bought(50), bought(39)])
    assert (result.read, result.added, result.repeated, result.forgotten) == (2, 1, 0, 1)
    assert [unit.events for unit in controls.history_of(anna)] == [1]


def test_nothing_is_recorded_that_is_too_old(anna, settings):
    settings.RECOMMENDATIONS = kept_for(40)
    old, young = (NOW - timedelta(days=days) for days in (41, 39))
    assert not record(anna, Kind.VIEW, "tea", occurred_at=old)
    assert record_order(anna, [("tea", 1)], "old", occurred_at=old) == 0
    assert record(anna, Kind.VIEW, "tea", occurred_at=young)
    assert record_order(anna, [("tea", 1)], "young", occurred_at=young) == 1


def test_an_erasure_is_obeyed_beside_the_retention(anna, settings):
    settings.RECOMMENDATIONS = kept_for(40)
    for days, forgotten in ((50, 1), (30, 2)):
        Shopper.objects.filter(pk=anna.pk).update(erased_at=NOW - timedelta(days=days))
        assert import_rows([bought(45), bought(35)]).forgotten == forgotten


@pytest.mark.parametrize("days", [36_500, 10**12])
def test_what_is_kept_for_ever_never_is_too_old(anna, settings, days):
    settings.RECOMMENDATIONS = kept_for(days)
    assert import_rows([bought(12_000)]).added == 1
    assert record(anna, Kind.VIEW, "tea", occurred_at=NOW - timedelta(days=12_000))
    controls.remove(anna, product_id="tea", now=NOW - timedelta(days=11_000))
    controls.purge(NOW)
    assert RemovedProduct.objects.count() == 1
    (hidden,) = controls.hidden_by(anna, NOW)
    assert hidden.until > NOW + timedelta(days=20_000)
    assert import_rows([bought(12_000)]).added == 1
    assert controls.history_of(anna) == []
    assert Interaction.objects.count() == 1


def test_what_would_last_longer_than_any_date_lasts_a_hundred_years(anna, settings, rf):
    settings.RECOMMENDATIONS = {"STRICT": True, "HIDE_DAYS": 10**9, "COOKIE_DAYS": 10**9}
    controls.hide(anna, "tea", now=NOW)
    (hidden,) = controls.hidden_by(anna, NOW)
    assert hidden.until == NOW + timedelta(days=36_500)
    assert controls.purge(NOW).visitors == 0
    give_cookie(rf.get("/"), response := HttpResponse(), "key")
    assert response.cookies[get_config().COOKIE_NAME]["max-age"] == 36_500 * 24 * 3600


def test_visitors_whose_cookie_is_gone_are_deleted_once_nothing_is_kept_of_them(anna, settings):
    settings.RECOMMENDATIONS = {"STRICT": True, "COOKIE_DAYS": 100}
    old, day = NOW - timedelta(days=101), (NOW - timedelta(days=101)).date()
    user = get_user_model().objects.create_user("bert")

    def visitor(key, **values):
        made = Shopper.objects.create(key_hash=key, **values)
        Shopper.objects.filter(pk=made.pk).update(created_at=values.get("created_at", old))
        return made

    kept = [anna, visitor("young", created_at=NOW - timedelta(days=99)), visitor("seen", last_seen=NOW.date())]
    for key, table in (("viewed", Interaction), ("removed", RemovedProduct), ("hidden", HiddenProduct)):
        kept.append(shopper := visitor(key))
        tea = {"shopper": shopper, "product": Product.objects.get()}
        if table is Interaction:
            record(shopper, Kind.VIEW, "tea")
            Shopper.objects.filter(pk=shopper.pk).update(last_seen=day)
        else:
            table.objects.create(**tea, **({"removed_at": NOW} if key == "removed" else {"until": NOW + timedelta(9)}))
    kept.append(Shopper.objects.create(user=user))
    Shopper.objects.filter(user=user).update(created_at=old)
    visitor("gone"), visitor("erased", erased_at=old), visitor("gone too", last_seen=day)
    assert controls.purge(NOW).visitors == 3
    assert set(Shopper.objects.all()) == set(kept)
