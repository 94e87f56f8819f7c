"""Real invoices (Online Retail II, D. Chen 2012, CC BY 4.0): some copied here, all of them where the file is found."""

import csv
import io
from collections import Counter
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.db import connection
from django.db.models import Sum

from benchmarks.online_retail import converted, find_data, read_rows, titles, write_csv
from recommendations.capture import import_interactions
from recommendations.ml.kinds import Kind
from recommendations.models import Interaction, Product, Shopper

DATA = find_data()
LONDON = ZoneInfo("Europe/London")
SAMPLE = """\
invoice,stock_code,description,quantity,invoice_date,price,customer_id,country
489488,22125,UNION JACK HOT WATER BOTTLE ,2,2009-12-01 10:59:00,5.95,17238,United Kingdom
489439,91111,a line of another invoice between,1,2009-12-01 10:59:00,1.00,12682,France
489488,22125,UNION JACK HOT WATER BOTTLE ,1,2009-12-01 11:00:00,5.95,17238,United Kingdom
489439,POST,POSTAGE,3,2009-12-01 09:28:00,18.0,12682,France
C489449,22087,PAPER BUNTING WHITE LACE,-12,2009-12-01 10:33:00,2.95,16321,Australia
489521,21646,,-50,2009-12-01 11:44:00,0.0,,United Kingdom
489525,85226C,BLUE PULL BACK RACING CAR,1,2009-12-01 11:49:00,0.55,,United Kingdom
514532,85226c ,RACING CAR,1,2010-07-05 10:07:00,0.55,,United Kingdom
525000,85226C,BLUE PULL BACK RACING CAR,1,2010-07-05 10:08:00,0.55,17238,United Kingdom
"""


@pytest.fixture
def shop(tmp_path, db):
    """shop(rows): imports them with their products in the mirror; returns the result and the rejected rows."""

    def load(rows):
        names = titles(rows)
        Product.objects.bulk_create([Product(product_id=code, title=name) for code, name in names.items()], 500)
        write_csv(rows, tmp_path / "rows.csv")
        rejected = io.StringIO()
        result = import_interactions(tmp_path / "rows.csv", naive_times=LONDON, rejected=rejected)
        return result, list(csv.DictReader(io.StringIO(rejected.getvalue())))

    return load


@pytest.fixture
def sample():
    return list(csv.DictReader(io.StringIO(SAMPLE)))


def test_titles_are_the_most_frequent_descriptions_of_one_spelling(sample):
    assert titles(sample) == {
        "22125": "UNION JACK HOT WATER BOTTLE",
        "91111": "a line of another invoice between",
        "22087": "PAPER BUNTING WHITE LACE",
        "21646": "21646",
        "85226C": "BLUE PULL BACK RACING CAR",
    }


def test_scattered_lines_of_an_invoice_stand_together_and_corrections_are_left_out(sample):
    orders = [order for *_, order in converted(sample)]
    assert orders == ["489488", "489488", "489439", "489439", "C489449", "489525", "514532", "525000"]


def test_invoices_become_purchases_returns_guests_and_rejections(shop, sample):
    result, rejected = shop(sample)
    assert (result.read, result.added, result.repeated, result.rejected) == (8, 6, 1, 1)
    assert [row["reason"] for row in rejected] == ["product 'POST': not in the catalog; run sync_catalog first"]
    rows = Interaction.objects.values_list("shopper__external_id", "product__product_id", "kind", "quantity")
    assert set(rows) == {
        ("16321", "22087", Kind.RETURN, 12),
        ("17238", "22125", Kind.PURCHASE, 3),
        ("12682", "91111", Kind.PURCHASE, 1),
        ("guest:489525", "85226C", Kind.PURCHASE, 1),
        ("guest:514532", "85226C", Kind.PURCHASE, 1),
        ("17238", "85226C", Kind.PURCHASE, 1),
    }


def test_invoice_times_are_londons(shop, sample):
    shop(sample)
    winter = Interaction.objects.get(shopper__external_id="16321").occurred_at
    summer = Interaction.objects.get(shopper__external_id="guest:514532").occurred_at
    assert (winter, summer) == (datetime(2009, 12, 1, 10, 33, tzinfo=UTC), datetime(2010, 7, 5, 9, 7, tzinfo=UTC))


# Not a skip: the file can't be fetched, and the rows above prove the same rules. Once is enough: in the plain project,
# on the database that a shop of this size has.
if DATA and not hasattr(settings, "SHOP_KEYS") and connection.vendor == "postgresql":

    def test_a_year_of_invoices_is_what_its_readme_says(shop):
        rows = read_rows(DATA)
        assert len(rows) == 525_461
        result, rejected = shop(rows)
        # 406,295 cleaned lines, 9,394 returned by customers, 102,857 bought and 187 returned by guests.
        assert result.read == 521_771
        assert result.added + result.repeated == 406_295 + 9_394 + 102_857 + 187
        assert (result.added, result.rejected, result.forgotten) == (505_529, 3_038, 0)
        assert Counter(row["reason"].split(":")[1] for row in rejected) == {
            " not in the catalog; run sync_catalog first": 3038
        }

        known = Interaction.objects.exclude(shopper__external_id__startswith="guest:")
        bought = known.filter(kind=Kind.PURCHASE)
        assert bought.count() == 393_634  # of the 406,295 lines, those of one product and invoice are one
        assert bought.aggregate(Sum("quantity")) == {"quantity__sum": 5_533_071}
        assert bought.values("shopper").distinct().count() == 4_285
        assert bought.values("product").distinct().count() == 4_006
        assert Shopper.objects.filter(external_id__startswith="guest:").count() >= 1_607
        before = bought.filter(occurred_at__lt=datetime(2010, 11, 1, tzinfo=LONDON))
        assert before.values("shopper").distinct().count() == 3_913
