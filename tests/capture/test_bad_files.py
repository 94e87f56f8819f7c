"""Whatever stands in a file: rows are stored or rejected with a reason, or the file is refused."""

import csv
import gzip
import io
import struct
from datetime import date, datetime

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from recommendations.capture import import_interactions, reading
from recommendations.capture.importing import UnreadableFile
from recommendations.capture.reading import COLUMNS
from recommendations.models import Interaction, Product

FEW = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
NASTY = [
    "",
    "\0",
    "a\0b",
    "\ufeff",
    "NaN",
    "nan",
    "inf",
    "-1",
    "1e9",
    "9" * 400,
    "9999-12-31T23:59:59-12:00",
    "x" * 2_000,
]
GOOD = {"shopper": "ann", "product": "tea", "kind": "view", "occurred_at": "2026-03-01T12:00:00Z", "quantity": "1"}

texts = st.sampled_from([*NASTY, *GOOD.values(), "search", "return", "0001-01-01", "2026-03-01T12:00:00+14:00"])
texts |= st.text(max_size=8)
rows = st.fixed_dictionaries({}, optional={name: texts for name in COLUMNS}).map(lambda row: {**GOOD, **row})
# What a column of Parquet can hold beside text.
cells = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.booleans(),
    st.datetimes(max_value=datetime(9999, 12, 31)),
    st.dates(),
    st.binary(max_size=4),
    st.lists(st.text(max_size=3), max_size=2),
    st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**9), max_value=10**9),
)
kinds = st.sampled_from([int, float, bool, bytes, list, datetime, date])


@pytest.fixture
def catalog(db):
    Product.objects.create(product_id="tea")


def imported(content, **options):
    """(result, rejected rows), or None when the file was refused; the log must agree with what is said."""
    before, stream = Interaction.objects.count(), io.StringIO()
    try:
        result = import_interactions("-", stdin=io.BytesIO(content), rejected=stream, **options)
    except UnreadableFile as error:
        assert str(error)
        return None
    assert Interaction.objects.count() == before + result.added
    told = list(csv.DictReader(io.StringIO(stream.getvalue())))
    assert len(told) == result.rejected == result.read - result.added - result.repeated - result.forgotten
    assert all(row["reason"] for row in told)
    stream.getvalue().encode()  # can be written to a file
    return result


def as_csv(values):
    stream = io.StringIO()
    writer = csv.DictWriter(stream, COLUMNS)
    writer.writeheader()
    writer.writerows(values)
    return stream.getvalue().encode()


@FEW
@given(values=st.lists(rows, max_size=8))
@example(values=[GOOD, GOOD])  # the same row twice
@example(values=[{**GOOD, "order": "7"}, {**GOOD, "order": "7"}])
@example(values=[{**GOOD, "kind": "search", "product": "", "query": "q\0" * 9}])
def test_a_row_of_a_csv_file_is_stored_or_rejected_with_a_reason(catalog, values):
    result = imported(as_csv(values))
    assert result is None or result.read == len(values)


@FEW
@given(content=st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode(errors="surrogatepass")))
@example(content=b"shopper,occurred_at\n\xed\xa0\x80,2026-03-01\n")
@example(content=b"shopper,occurred_at,product\nann,2026-03-01,tea\n\xff\n")
@example(content=b"PAR1" + struct.pack("<I", 2**31) + b"PAR1")
def test_bytes_that_are_no_file_of_ours_are_refused_as_such(catalog, content):
    for format in ("csv", "parquet"):
        imported(content, format=format)
        imported(b"shopper,occurred_at,product\n" + content, format=format)


@FEW
@given(
    name=st.sampled_from(COLUMNS), values=kinds.flatmap(lambda kind: st.lists(cells_of(kind), min_size=1, max_size=5))
)
@example(name="occurred_at", values=[["a list"], None])
@example(name="quantity", values=[float("nan"), float("inf"), 1e308])
@example(name="occurred_at", values=[datetime(9999, 12, 31), datetime(1, 1, 1)])
def test_a_column_of_a_parquet_file_may_hold_anything(catalog, name, values):
    columns = {column: [good] * len(values) for column, good in GOOD.items()} | {name: values}
    stream = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(columns), stream)
    result = imported(stream.getvalue(), format="parquet")
    assert result is None or result.read == len(values)


def cells_of(kind):
    return cells.filter(lambda cell: cell is None or type(cell) is kind)


def test_a_megabyte_of_words_is_refused_or_cut(catalog):
    long = {**GOOD, "kind": "search", "product": "", "query": "word " * 200_000}
    imported(as_csv([GOOD, long]))
    assert all(len(query) <= 255 for query in Interaction.objects.values_list("query", flat=True))
    columns = {name: [value] for name, value in long.items()}
    stream = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(columns), stream)
    assert imported(stream.getvalue(), format="parquet").added == 1


def test_half_of_a_surrogate_pair_in_a_parquet_file_is_refused(catalog):
    broken = pyarrow.array([b"\xed\xa0\x80"], pyarrow.binary()).view(pyarrow.string())
    columns = {name: pyarrow.array([value]) for name, value in GOOD.items()} | {"shopper": broken}
    stream = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(columns), stream)
    assert imported(stream.getvalue(), format="parquet") is None
    assert Interaction.objects.count() == 0


def many(count):
    return [{**GOOD, "occurred_at": f"2026-03-01T12:{k // 60:02}:{k % 60:02}Z"} for k in range(count)]


@pytest.mark.parametrize("place", range(0, 900, 17))
def test_of_a_damaged_gz_nothing_is_imported(catalog, tmp_path, monkeypatch, place):
    monkeypatch.setattr(reading, "CHUNK", 10)
    packed = bytearray(gzip.compress(as_csv(many(600)), mtime=0))
    place = 10 + place * (len(packed) - 11) // 900
    packed[place] ^= 0x10
    path = tmp_path / "log.csv.gz"
    for damaged in (packed, packed[:place]):
        path.write_bytes(damaged)
        with pytest.raises(UnreadableFile, match=r"log\.csv\.gz: damaged .* Nothing of it was imported"):
            import_interactions(path)
    assert not Interaction.objects.exists()


def test_a_file_that_breaks_off_says_how_many_rows_are_in_and_can_be_imported_again(catalog, monkeypatch):
    monkeypatch.setattr(reading, "CHUNK", 10)
    whole = as_csv([{**row, "kind": "purchase", "order": str(k // 4)} for k, row in enumerate(many(600))])
    broken = whole[:-60] + b"\xff" * 60
    with pytest.raises(UnreadableFile, match="Nothing of it was imported"):
        import_interactions("-", stdin=io.BytesIO(broken), dry_run=True)
    with pytest.raises(UnreadableFile, match=r"Its first \d+ rows are in"):
        import_interactions("-", stdin=io.BytesIO(broken))
    assert 0 < Interaction.objects.count() < 150
    import_interactions("-", stdin=io.BytesIO(whole))
    mended = stored()
    Interaction.objects.all().delete()
    import_interactions("-", stdin=io.BytesIO(whole))
    assert stored() == mended and len(mended) == 150


def stored():
    return sorted(Interaction.objects.values_list("occurred_at", "quantity", "event_key"))
