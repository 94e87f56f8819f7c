from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone
from oscar.apps.analytics.models import UserProductView
from oscar.apps.order.models import Line, Order

from recommendations.ml.kinds import Kind
from recommendations.models import Interaction, Product, Shopper
from tests.oscar.made_shop import make_past


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("import_oscar", *arguments, stdout=out)
    return out.getvalue()


@pytest.fixture
def past(made_catalog):
    make_past(made_catalog, users=12, guests=3)


def test_orders_and_views_come_in_with_their_times(past):
    told = run()
    assert "order lines of users: 180 read, 180 added" in told
    assert "order lines of guests: 3 read, 3 added" in told
    line = Line.objects.filter(order__user__isnull=False).select_related("order").first()
    bought = Interaction.objects.filter(shopper__user=line.order.user, kind=Kind.PURCHASE).order_by("occurred_at")
    assert bought.first().occurred_at == line.order.date_placed.replace(microsecond=0)
    view = UserProductView.objects.order_by("-pk").first()
    viewed = Interaction.objects.filter(shopper__user=view.user, kind=Kind.VIEW).order_by("occurred_at").last()
    assert viewed.product.product_id == str(view.product.pk)
    assert viewed.occurred_at == view.date_created.replace(microsecond=0)


def test_guests_are_known_by_their_orders_number(past):
    run()
    numbers = Order.objects.filter(user__isnull=True).values_list("number", flat=True)
    names = Shopper.objects.exclude(external_id=None).values_list("external_id", flat=True)
    assert set(names) == {f"guest:{number}" for number in numbers}


def test_children_are_their_parents(past):
    run()
    child = Line.objects.filter(product__structure="child").select_related("product").first()
    assert Interaction.objects.filter(product__product_id=str(child.product.parent_id)).exists()
    assert not Interaction.objects.filter(product__product_id=str(child.product.pk)).exists()


def test_a_second_time_nothing_is_added(past):
    run()
    count = Interaction.objects.count()
    assert "180 read, 0 added, 180 there already" in run()
    assert Interaction.objects.count() == count


def test_lines_whose_product_is_gone_are_counted_and_left_out(past):
    line = Line.objects.filter(product__structure="standalone").first()
    UserProductView.objects.filter(product=line.product).delete()
    gone = Line.objects.filter(product=line.product).count()
    line.product.delete()
    told = run()
    assert f"{gone} rows left out: their product is gone" in told
    assert Interaction.objects.filter(kind=Kind.PURCHASE).count() == 183 - gone


def test_what_the_app_recorded_itself_is_not_added_again(past, client):
    """A view, an order of a guest and one of a user since the app is there: Oscar has kept them too."""
    product = Line.objects.filter(product__structure="standalone").first().product
    client.force_login(get_user_model().objects.first())
    client.get(product.get_absolute_url(), headers={"user-agent": "Mozilla/5.0 Firefox/150.0"})
    assert Interaction.objects.count() == 1
    later = timezone.now() + timedelta(seconds=1)
    Order.objects.filter(pk__in=[Order.objects.filter(user=None).first().pk, Order.objects.first().pk]).update(
        date_placed=later
    )
    told = run()
    assert "order lines of guests: 2 read, 2 added" in told and "order lines of users: 179 read, 179 added" in told
    views = Interaction.objects.filter(kind=Kind.VIEW).exclude(source=Interaction.Source.IMPORT)
    assert views.count() == 1
    assert Interaction.objects.filter(kind=Kind.VIEW).count() == UserProductView.objects.count()


@pytest.fixture
def migrated(db):
    """migrated(time): when the app was; these tests run without migrations, and perhaps without their table."""

    def note(time):
        recorder = MigrationRecorder(connection)
        if not recorder.has_table():
            with connection.cursor() as cursor:
                cursor.execute(
                    "CREATE TABLE django_migrations (id integer PRIMARY KEY, app varchar(255), name varchar(255), "
                    "applied timestamp with time zone)"
                )
        recorder.migration_qs.create(id=1_000, app="recommendations", name="0001_initial", applied=time)

    return note


def test_what_was_erased_stays_so_also_when_the_apps_first_row_is_gone(past, migrated):
    """All of what the app recorded may be erased, or purged: what Oscar has kept since it was migrated stays out."""
    orders = Order.objects.order_by("date_placed")
    middle = orders[orders.count() // 2].date_placed
    migrated(middle)
    run()
    assert orders.filter(date_placed__lt=middle).count() == Interaction.objects.filter(kind=Kind.PURCHASE).count()
    assert not Interaction.objects.filter(occurred_at__gt=middle).exists()


def test_a_first_own_row_from_before_the_migration_counts(past, migrated):
    """Say of another table that was moved here."""
    middle = Order.objects.order_by("date_placed")[90].date_placed
    migrated(timezone.now())
    product = Product.objects.first()
    own = Shopper.objects.create(external_id="somebody")
    Interaction.objects.create(
        shopper=own, product=product, kind=Kind.VIEW, source=Interaction.Source.SERVER, occurred_at=middle, event_key=1
    )
    run()
    assert not Interaction.objects.filter(source=Interaction.Source.IMPORT, occurred_at__gt=middle).exists()


def test_what_was_cancelled_or_sent_back_is_no_purchase(past, settings):
    cancelled, refunded = Order.objects.all()[:2]
    Order.objects.filter(pk=cancelled.pk).update(status="Cancelled")
    Line.objects.filter(order=refunded).update(status="Refunded")
    told = run()
    assert "2 order lines left out: they were cancelled" in told
    assert Interaction.objects.filter(kind=Kind.PURCHASE).count() == 181
    settings.OSCAR_RECOMMENDATIONS_RETURNED_STATUSES = ["Void"]
    run()
    assert Interaction.objects.filter(kind=Kind.PURCHASE).count() == 183


def test_statuses_that_are_no_list_are_named(past, settings):
    settings.OSCAR_RECOMMENDATIONS_RETURNED_STATUSES = "Cancelled"
    with pytest.raises(CommandError, match="RETURNED_STATUSES is 'Cancelled': expected a list of texts"):
        run()


def test_where_consent_is_asked_the_shop_must_say_that_it_has_it(past, settings):
    settings.RECOMMENDATIONS = {"STRICT": True, "HAS_CONSENT": "tests.oscar.installed.test_receivers.never"}
    with pytest.raises(CommandError, match="--they-agreed"):
        run()
    assert not Interaction.objects.exists()
    assert "180 read, 180 added" in run("--they-agreed")


def test_the_past_is_read_in_few_queries(past, django_assert_max_num_queries):
    with django_assert_max_num_queries(60):
        run()
