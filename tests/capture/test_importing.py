import csv
import gzip
import io
from datetime import UTC, datetime
from unittest.mock import patch
from zoneinfo import ZoneInfo

import pytest
from django.db import OperationalError
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recommendations.capture import import_interactions, reading
from recommendations.capture.importing import ImportStopped, UnreadableFile
from recommendations.ml.kinds import Kind
from recommendations.models import Interaction, Product, Shopper
from recommendations.models.interaction import InteractionQuerySet

FEW = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
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


def test_an_order_is_kept_whole_over_the_edge_of_a_chunk(write, monkeypatch):
    monkeypatch.setattr(reading, "CHUNK", 2)
    file = write(
        "ann,cup,,2026-03-01,,,6\nann,tea,,2026-03-01,1,,7\nann,tea,,2026-03-01,2,,7\nbob,tea,,2026-03-01,,,8\n"
    )
    result = import_interactions(file)
    assert (result.read, result.added, result.repeated) == (4, 3, 1)
    assert sorted(Interaction.objects.values_list("quantity", flat=True)) == [1, 1, 3]


LINES = st.tuples(
    st.sampled_from(["ann", "bob"]),
    st.sampled_from(["tea", "cup", "sofa"]),
    st.sampled_from(["purchase", "return", "view"]),
    st.integers(1, 5),
    st.sampled_from(["", "7", " 7", "8"]),
)


@FEW
@given(st.lists(LINES, min_size=1, max_size=12), st.integers(1, 6))
def test_wherever_a_chunk_ends_the_same_rows_are_stored(products, lines, size):
    rows = "".join(f"{who},{what},{kind},2026-03-0{day},,,{order}\n" for who, what, kind, day, order in lines)
    found = []
    for chunk in (20_000, size):
        Interaction.objects.all().delete()
        with patch.object(reading, "CHUNK", chunk):
            result = import_interactions("-", stdin=io.BytesIO((HEADER + rows).encode()))
        names = ("shopper__external_id", "product", "kind", "quantity", "occurred_at")
        found.append((vars(result), sorted(Interaction.objects.values_list(*names))))
    assert found[0] == found[1]


def test_lines_of_an_order_that_stand_apart_are_no_sum_and_have_their_own_times(write):
    order = "ann,tea,{},2026-03-01,2,,7\nann,cup,{},2026-03-02,1,,7\n"
    back = order.format("return", "return").replace("-03-", "-04-")
    others = "bob,tea,,2026-03-01,,,8\n", "bob,tea,,2026-03-01,,,9\n"
    import_interactions(write(order.format("", "") + others[0] + back + order.format("", "") + others[1]))
    found = Interaction.objects.filter(shopper__external_id="ann").order_by("kind", "product__product_id")
    march, april = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)
    assert list(found.values_list("product__product_id", "quantity", "occurred_at")) == [
        ("cup", 1, march),
        ("tea", 2, march),
        ("cup", 1, april),
        ("tea", 2, april),
    ]


def test_what_is_no_purchase_or_return_is_a_row_of_its_own_whatever_its_order(write):
    file = write("".join(f"ann,,search,2026-03-01 10:0{k}:00,,{words},s1\n" for k, words in enumerate(["red", "blue"])))
    import_interactions(write("ann,tea,view,2026-03-01,,,s1\nann,tea,view,2026-03-02,,,s1\n", name="views.csv"))
    assert import_interactions(file).added == 2
    assert [query for *_, query in stored()] == ["", "red", "blue", ""]


def test_words_beside_anything_but_a_search_are_not_kept(write):
    import_interactions(write("ann,tea,view,2026-03-01,,green,\nann,tea,view,2026-03-01,,black,\n"))
    assert stored() == [("ann", "tea", Kind.VIEW, 1, "")]


@pytest.mark.parametrize("word", ['"red', '"red" shoes'])
def test_a_quote_that_is_not_closed_swallows_no_rows(write, word):
    file = write(f"ann,tea,view,2026-03-01,,,\nann,,search,2026-03-01,,{word},\n" + "ann,tea,,2026-03-02,,,\n" * 9)
    with pytest.raises(UnreadableFile, match=r'rows\.csv: line 3: .*; expected CSV, .*" ends with one'):
        import_interactions(file)
    assert not Interaction.objects.exists()


def test_a_line_in_another_encoding_is_named(tmp_path):
    rows = "ann,tea,view,2026-03-01,,,\r\n" * 500
    (tmp_path / "rows.csv").write_bytes((HEADER + rows).encode() + "ann,,search,2026-03-01,,café,\n".encode("latin1"))
    with pytest.raises(UnreadableFile, match=r"rows\.csv: line 502: 'utf-8' codec can't decode byte 0xe9"):
        import_interactions(tmp_path / "rows.csv")


def test_values_beyond_the_header_reject_their_row(write):
    header = "shopper,kind,occurred_at,query\n"
    file = write("ann,search,2026-03-01,red, blue\nann,search,2026-03-02,red,, \n", header=header)
    reasons, result = rejected_rows(file)
    assert (reasons[1]["reason"], result.added, result.rejected) == ("5 values, expected 4", 1, 1)


def test_blank_lines_shift_no_row_number(write):
    reasons, result = rejected_rows(write("\n\nann,sofa,view,2026-03-01,,,\n"))
    assert (list(reasons), result.read) == ([3], 1)


def test_a_user_who_is_deleted_during_an_import_is_a_rejected_row(write, monkeypatch, django_user_model):
    monkeypatch.setattr(reading, "CHUNK", 2)
    users = [django_user_model.objects.create(username=f"u{k}") for k in range(4)]
    names = [str(user.pk) for user in users]
    file = write("".join(f"{name},tea,purchase,2026-03-01,,,{k}\n" for k, name in enumerate(names)))
    goes = iter([users[1]])  # whose row is held, for its order may go on
    reasons, result = rejected_rows(file, shoppers_are_users=True, report=lambda _: [user.delete() for user in goes])
    assert (result.read, result.added, result.rejected) == (4, 3, 1)
    assert reasons[2]["reason"] == f"shopper {names[1]!r}: expected the primary key of a user"
    assert (reasons[2]["shopper"], reasons[2]["kind"], reasons[2]["order"]) == (names[1], "purchase", "1")


def test_a_database_that_fails_says_how_many_rows_are_in(write, monkeypatch):
    monkeypatch.setattr(reading, "CHUNK", 2)
    insert, calls = InteractionQuerySet.insert_new, iter(range(9))

    def fails_late(self, rows):
        if next(calls):
            raise OperationalError("server closed the connection\nunexpectedly")
        return insert(self, rows)

    monkeypatch.setattr(InteractionQuerySet, "insert_new", fails_late)
    file = write("".join(f"ann,tea,,2026-03-0{k},,,\n" for k in range(1, 6)))
    with pytest.raises(ImportStopped, match=r"failed \(server closed the connection\)\. Its first 2 rows are in"):
        import_interactions(file)
    assert Interaction.objects.count() == 2


def test_a_dry_run_counts_a_row_once_though_it_stands_in_two_chunks(write, monkeypatch):
    monkeypatch.setattr(reading, "CHUNK", 1)
    file = write("ann,tea,,2026-03-01,,,\nbob,tea,,2026-03-01,,,\nann,tea,,2026-03-01,,,\n")
    dry, real = import_interactions(file, dry_run=True), import_interactions(file)
    assert vars(dry) == vars(real) and (dry.added, dry.repeated) == (2, 1)


def test_a_dry_run_keeps_nothing_locked_between_two_chunks(write, monkeypatch):
    monkeypatch.setattr(reading, "CHUNK", 1)
    seen, file = [], write("ann,tea,,2026-03-01,,,\nbob,tea,,2026-03-01,,,\n")
    import_interactions(file, dry_run=True, report=lambda _: seen.append(Shopper.objects.exists()))
    assert set(seen) == {False}


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
