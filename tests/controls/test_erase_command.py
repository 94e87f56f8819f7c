import io

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.core.management import CommandError, call_command

from recommendations.capture import record_order
from recommendations.models import Interaction, Product, Shopper


def run(*arguments):
    out = io.StringIO()
    call_command("erase_shopper", *map(str, arguments), stdout=out)
    return out.getvalue()


@pytest.fixture
def three(db):
    """A user, a guest and somebody who was imported, each with one purchase."""
    Product.objects.create(product_id="tea")
    user, imported = get_user_model().objects.create_user("anna"), Shopper.objects.create(external_id="c-17")
    for who in (user, AnonymousUser(), imported):
        assert record_order(who, [("tea", 1)], "7") == 1
    return Shopper.objects.of_user(user), Shopper.objects.get(external_id="guest:7"), imported


@pytest.mark.parametrize("place", [0, 1, 2])
def test_one_shopper_is_erased_by_name_or_number(three, place):
    shopper = three[place]
    name = ("--user", shopper.user_id) if shopper.user_id else ("--external-id", shopper.external_id)
    assert f"Erased 1 events and everything else kept of shopper {shopper.pk}." in run(*name)
    assert not Interaction.objects.filter(shopper=shopper).exists()
    assert Interaction.objects.count() == 2
    assert Shopper.objects.get(pk=shopper.pk).erased_at is not None
    assert "Erased 0 events" in run("--number", shopper.pk)


@pytest.mark.parametrize("name", [("--user", "nobody"), ("--external-id", "c-18"), ("--number", 4711)])
def test_who_is_not_known_is_named(db, name):
    with pytest.raises(CommandError, match=f"{name[0]} .*{name[1]}.*: nothing is kept of such a shopper"):
        run(*name)


def test_somebody_must_be_named(db):
    with pytest.raises(CommandError, match="one of the arguments --user --external-id --number is required"):
        run()
