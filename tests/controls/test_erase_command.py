import io

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.core.management import CommandError, call_command
from django.utils import timezone

from recommendations.capture import Batch, import_rows, record_order
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


@pytest.mark.parametrize(
    ("name", "what"),
    [(("--user", "nobody"), "user"), (("--external-id", "x" * 256), "external"), (("--number", 9), "")],
)
def test_who_does_not_exist_is_named(db, name, what):
    with pytest.raises(CommandError, match=f"{name[0]} .*{name[1]}.*: there is no such {what}"):
        run(*name)
    assert not Shopper.objects.exists()


def test_nothing_of_who_was_erased_before_anything_was_kept_is_imported(db):
    Product.objects.create(product_id="tea")
    user, noon = get_user_model().objects.create_user("anna"), int(timezone.now().timestamp()) - 3600
    for name in (("--user", user.pk), ("--external-id", "c-18")):
        assert "Nothing was kept. That it was erased is shopper" in run(*name)
    batches = [Batch([str(user.pk)], ["tea"], [noon])], [Batch(["c-18"], ["tea"], [noon])]
    assert import_rows(batches[0], shoppers_are_users=True).forgotten == import_rows(batches[1]).forgotten == 1
    assert not Interaction.objects.exists()


def test_somebody_must_be_named(db):
    with pytest.raises(CommandError, match="one of the arguments --user --external-id --number is required"):
        run()
