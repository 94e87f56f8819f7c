"""Parquet files: what a column may hold, and what is refused."""

import io
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from recommendations.capture import import_interactions
from recommendations.capture.importing import UnreadableFile
from recommendations.ml.kinds import Kind
from recommendations.models import Interaction, Product
from tests.capture.test_importing import rejected_rows, stored


@pytest.fixture(autouse=True)
def products(db):
    Product.objects.bulk_create(Product(product_id=name) for name in ("tea", "cup"))


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


@pytest.fixture
def parquet(tmp_path):
    """parquet(column=array): a file of one row, or of as many as the column has."""
    pa = pytest.importorskip("pyarrow", reason="pyarrow is missing: pip install 'django-because[parquet]'")
    import pyarrow.parquet

    def make(**columns):
        count = len(next(iter(columns.values())))
        usual = {"shopper": ["ann"] * count, "product": ["tea"] * count, "occurred_at": ["2026-03-01"] * count}
        file = tmp_path / "rows.parquet"
        pyarrow.parquet.write_table(pa.table(usual | columns), file)
        return file

    return make


def test_names_of_a_parquet_file_arrive_to_the_letter(parquet):
    import pyarrow as pa

    for shopper in (pa.array([b"17"], pa.binary()), pa.array([Decimal("17.00")]), pa.array([17.0], pa.float64())):
        assert import_interactions(parquet(shopper=shopper)).read == 1
    assert [shopper for shopper, *_ in stored()] == ["17"]


def test_a_parquet_column_that_is_no_text_is_refused_with_its_type(parquet):
    import pyarrow as pa

    columns = {
        r"'shopper' is fixed_size_binary\[2\]: expected text": pa.array([b"17"], pa.binary(2)),
        "'shopper' is binary, and no UTF-8: expected text": pa.array([b"\xff"], pa.binary()),
        "'shopper' is float, 7 digits: expected text or whole numbers": pa.array([16777217.0], pa.float32()),
    }
    for message, column in columns.items():
        with pytest.raises(UnreadableFile, match=f"column {message}"):
            import_interactions(parquet(shopper=column))


def test_a_time_that_there_is_not_in_python_rejects_its_row(parquet):
    import pyarrow as pa

    for times in (pa.array([10**15, 2**60], pa.timestamp("us", "UTC")), pa.array([20_000, 2**30], pa.date32())):
        reasons, result = rejected_rows(parquet(occurred_at=times))
        assert (list(reasons), result.rejected) == ([2], 1)
        assert "expected a time like" in reasons[2]["reason"]
    assert date(2024, 10, 4) in {when.date() for when in Interaction.objects.values_list("occurred_at", flat=True)}
    assert import_interactions(parquet(occurred_at=pa.array([10**18 + 1], pa.timestamp("ns")))).rejected == 0


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
