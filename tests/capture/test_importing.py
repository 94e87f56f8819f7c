import csv
import gzip
import io
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from recommendations.capture import import_interactions, reading
from recommendations.capture.importing import UnreadableFile, _whole_orders
from recommendations.ml.kinds import Kind
from recommendations.models import Interaction, Product, Shopper

HEADER = "shopper,product,kind,occurred_at,quantity,query,order\n"


@pytest.fixture(autouse=True)
def products(db):
    Product.objects.bulk_create(Product(product_id=name) for name in ("tea", "cup", "pot"))


@pytest.fixture
def write(tmp_path):
    """write(text): a CSV file with that text below the full header."""

    def make(text, header=HEADER, name="rows.csv"):
        file = tmp_path / name
        file.write_text(header + text, encoding="utf-8")
        return file

    return make


def stored():
    rows = Interaction.objects.order_by("occurred_at", "product__product_id")
    return list(rows.values_list("shopper__external_id", "product__product_id", "kind", "quantity", "query"))


def rejected_rows(file, **options):
    """The reasons by row number, and the result."""
    stream = io.StringIO()
    result = import_interactions(file, rejected=stream, **options)
    return {int(row["row"]): row for row in csv.DictReader(io.StringIO(stream.getvalue()))}, result


def test_a_csv_file_is_imported(write):
    file = write(
        "ann,tea,purchase,2026-03-01T12:00:00+00:00,2,,\n"
        "ann,cup,view,2026-03-01T12:01:00+00:00,,,\n"
        "ann,,search,2026-03-01T12:02:00+00:00,,  red   tea ,\n"
    )
    result = import_interactions(file)
    assert (result.read, result.added, result.rejected) == (3, 3, 0)
    assert stored() == [
        ("ann", "tea", Kind.PURCHASE, 2, ""),
        ("ann", "cup", Kind.VIEW, 1, ""),
        ("ann", None, Kind.SEARCH, 1, "red tea"),
    ]


def test_two_columns_and_the_product_are_enough_for_purchases(write):
    import_interactions(write("2026-03-01 12:00,ann,tea\n", header="occurred_at,shopper,product\n"))
    assert stored() == [("ann", "tea", Kind.PURCHASE, 1, "")]


def test_importing_a_file_again_adds_nothing(write):
    file = write("ann,tea,,2026-03-01,,,\nann,cup,,2026-03-01,,,7\nann,cup,,2026-03-01,2,,7\n")
    assert import_interactions(file).added == 2
    again = import_interactions(file)
    assert (again.read, again.added, again.repeated) == (3, 0, 3)
    assert stored() == [("ann", "cup", Kind.PURCHASE, 3, ""), ("ann", "tea", Kind.PURCHASE, 1, "")]


def test_times_without_an_offset_are_in_the_timezone_given(write):
    file = write("ann,tea,,2026-07-01 12:00:00,,,\n")
    import_interactions(file, naive_times=ZoneInfo("Europe/Paris"))
    assert Interaction.objects.get().occurred_at == datetime(2026, 7, 1, 10, tzinfo=UTC)


def test_an_offset_wins_over_the_timezone(write):
    import_interactions(write("ann,tea,,2026-07-01T12:00:00Z,,,\n"), naive_times=ZoneInfo("Europe/Paris"))
    assert Interaction.objects.get().occurred_at == datetime(2026, 7, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (",tea,view,2026-03-01,,,", "shopper: expected 1 to 255 characters"),
        ("a" * 256 + ",tea,view,2026-03-01,,,", "shopper: expected 1 to 255 characters"),
        ("a\0n,tea,view,2026-03-01,,,", "shopper: expected 1 to 255 characters, none of them NUL"),
        ("ann,sofa,view,2026-03-01,,,", "product 'sofa': not in the catalog; run sync_catalog first"),
        ("ann,,view,2026-03-01,,,", "product '': not in the catalog; run sync_catalog first"),
        ("ann,tea,stare,2026-03-01,,,", "kind 'stare': expected one of view, search,"),
        ("ann,tea,view,yesterday,,,", "occurred_at 'yesterday': expected a time like 2026-01-31 18:05:00"),
        ("ann,tea,view,,,,", "occurred_at '': expected a time like"),
        ("ann,tea,view,0001-01-01T00:00:00+14:00,,,", "occurred_at '0001-01-01T00:00:00+14:00': expected a time like"),
        ("ann,tea,view,1969-12-31,,,", "occurred_at '1969-12-31': expected a time like"),
        ("ann,tea,view,9999-12-31T23:00:00-14:00,,,", "occurred_at '9999-12-31T23:00:00-14:00': expected a time like"),
        ("ann,tea,view,2999-01-01,,,", "occurred_at '2999-01-01': expected a time in the past"),
        ("ann,tea,view,2026-03-01,0,,", "quantity '0': expected a whole number from 1; a return is kind return"),
        ("ann,tea,view,2026-03-01,-2,,", "quantity '-2': expected a whole number from 1"),
        ("ann,tea,view,2026-03-01,1.5,,", "quantity '1.5': expected a whole number from 1"),
        ("ann,tea,view,2026-03-01,2147483648,,", "quantity '2147483648': expected a whole number from 1"),
        ("ann,,search,2026-03-01,,  ,", "query: a search needs one"),
    ],
)
def test_a_bad_row_is_rejected_with_its_reason_and_the_others_stored(write, row, reason):
    reasons, result = rejected_rows(write(f"ann,tea,,2026-03-01,,,\n{row}\nann,cup,,2026-03-01,,,\n"))
    assert list(reasons) == [2]
    assert reasons[2]["reason"].startswith(reason)
    assert (result.read, result.added, result.rejected) == (3, 2, 1)


def test_the_rejected_file_holds_the_values_as_they_were(write):
    reasons, _ = rejected_rows(write("ann,sofa,view,2026-03-01,3,,17\n"))
    kept = {name: reasons[1][name] for name in ("shopper", "product", "kind", "occurred_at", "quantity", "order")}
    assert kept == {
        "shopper": "ann",
        "product": "sofa",
        "kind": "view",
        "occurred_at": "2026-03-01",
        "quantity": "3",
        "order": "17",
    }


def test_rejected_rows_can_be_imported_once_their_cause_is_gone(write):
    file = write("ann,sofa,,2026-03-01,,,\n")
    assert import_interactions(file).rejected == 1
    Product.objects.create(product_id="sofa")
    assert import_interactions(file).added == 1


def test_a_dry_run_counts_the_same_and_stores_nothing(write):
    file = write("ann,tea,,2026-03-01,,,\nann,sofa,,2026-03-01,,,\n")
    result = import_interactions(file, dry_run=True)
    assert (result.read, result.added, result.rejected) == (2, 1, 1)
    assert not Interaction.objects.exists()
    assert not Shopper.objects.exists()


def test_a_gzipped_file_and_a_byte_order_mark_are_read(tmp_path):
    file = tmp_path / "rows.csv.gz"
    file.write_bytes(gzip.compress(("\ufeff" + HEADER + "ann,tea,,2026-03-01,,,\n").encode()))
    assert import_interactions(file).added == 1


def test_stdin_is_read(products):
    stream = io.BytesIO((HEADER + "ann,tea,,2026-03-01,,,\n").encode())
    assert import_interactions("-", stdin=stream).added == 1


def test_short_rows_lack_their_last_values_and_blank_lines_are_nothing(write):
    result = import_interactions(write("ann,tea,view,2026-03-01\n\n"))
    assert (result.read, result.added) == (1, 1)


def test_a_query_is_tidied_as_a_live_one(write):
    import_interactions(write("ann,,search,2026-03-01,,red\0 tea,\n" + "ann,,search,2026-03-02,," + "x" * 300 + ",\n"))
    assert [query for *_, query in stored()] == ["red tea", "x" * 255]


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("shopper,product\n", "column 'occurred_at' is missing"),
        ("", "column 'shopper' is missing: found \\[\\]"),
        ("shopper,occurred_at,price\n", "column 'price': expected some of"),
        ("shopper,occurred_at,shopper\n", "expected each name once"),
    ],
)
def test_a_file_with_other_columns_is_refused(write, header, message):
    with pytest.raises(UnreadableFile, match=message):
        import_interactions(write("", header=header))


def test_what_is_no_text_is_refused(tmp_path):
    (tmp_path / "rows.csv").write_bytes(HEADER.encode() + b"\xff\xfe,tea\n")
    with pytest.raises(UnreadableFile, match="expected a CSV file in UTF-8"):
        import_interactions(tmp_path / "rows.csv")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UnreadableFile, match=r"none\.csv: No such file"):
        import_interactions(tmp_path / "none.csv")


def test_a_parquet_file_is_imported(tmp_path):
    pa = pytest.importorskip("pyarrow", reason="pyarrow is missing: pip install 'django-because[parquet]'")
    import pyarrow.parquet

    table = pa.table(
        {
            "shopper": [17, 17],
            "product": ["tea", "cup"],
            "occurred_at": pa.array([datetime(2026, 3, 1, 12, tzinfo=UTC)] * 2, pa.timestamp("us", "UTC")),
            "quantity": [2, None],
        }
    )
    file = tmp_path / "rows.parquet"
    pyarrow.parquet.write_table(table, file)
    assert import_interactions(file).added == 2
    assert import_interactions("-", stdin=io.BytesIO(file.read_bytes()), format="parquet").added == 0
    assert stored() == [("17", "cup", Kind.PURCHASE, 1, ""), ("17", "tea", Kind.PURCHASE, 2, "")]
    assert Interaction.objects.first().occurred_at == datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_a_broken_parquet_file_is_refused(tmp_path):
    pytest.importorskip("pyarrow", reason="pyarrow is missing: pip install 'django-because[parquet]'")
    (tmp_path / "rows.parquet").write_bytes(b"PAR1 and nothing else")
    with pytest.raises(UnreadableFile, match="expected a Parquet file"):
        import_interactions(tmp_path / "rows.parquet")


def test_a_parquet_column_of_lists_is_refused(tmp_path):
    pa = pytest.importorskip("pyarrow", reason="pyarrow is missing: pip install 'django-because[parquet]'")
    import pyarrow.parquet

    table = pa.table({"shopper": ["ann"], "product": [["tea", "cup"]], "occurred_at": ["2026-03-01"]})
    pyarrow.parquet.write_table(table, tmp_path / "rows.parquet")
    with pytest.raises(UnreadableFile, match="column 'product' holds lists or structures"):
        import_interactions(tmp_path / "rows.parquet")


def test_without_pyarrow_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    (tmp_path / "rows.parquet").write_bytes(b"")
    with pytest.raises(UnreadableFile, match=r"pip install 'django-because\[parquet\]'"):
        import_interactions(tmp_path / "rows.parquet")


def test_an_order_is_kept_whole_over_the_edge_of_a_chunk(write, monkeypatch):
    monkeypatch.setattr(reading, "CHUNK", 2)
    file = write(
        "ann,cup,,2026-03-01,,,6\nann,tea,,2026-03-01,1,,7\nann,tea,,2026-03-01,2,,7\nbob,tea,,2026-03-01,,,8\n"
    )
    result = import_interactions(file)
    assert (result.read, result.added, result.repeated) == (4, 3, 1)
    assert sorted(Interaction.objects.values_list("quantity", flat=True)) == [1, 1, 3]


@given(st.lists(st.integers(0, 3), min_size=1, max_size=30), st.integers(1, 7))
def test_cutting_keeps_every_row_in_its_place(orders, size):
    orders = sorted(orders)
    chunks = [{"order": [str(o) for o in orders[k : k + size]]} for k in range(0, len(orders), size)]
    cut = [chunk["order"] for chunk in _whole_orders(iter(chunks))]
    assert [order for part in cut for order in part] == [str(o) for o in orders]


def test_progress_counts_rows_of_the_file(write, monkeypatch):
    monkeypatch.setattr(reading, "CHUNK", 2)
    told = []
    import_interactions(write("ann,tea,,2026-03-01,,,\n" * 3, name="three.csv"), report=told.append)
    assert told[-1] == 3


def test_times_are_kept_in_whole_seconds(write):
    import_interactions(write("ann,tea,,2026-03-01T12:00:00.900Z,,,\n"))
    assert Interaction.objects.get().occurred_at == datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_a_row_of_this_moment_is_of_the_past(write):
    import_interactions(write(f"ann,tea,,{timezone.now().isoformat()},,,\n"))
    assert Interaction.objects.count() == 1
