"""Files of past interactions, CSV or Parquet, as columns of raw values."""

import csv
import gzip
import io
import zlib
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from itertools import islice
from pathlib import Path
from typing import IO, Any

from ..exceptions import RecommendationsError

CHUNK = 20_000
AT_ONCE = 1 << 20  # bytes
REQUIRED = ("shopper", "occurred_at")
COLUMNS = ("shopper", "product", "kind", "occurred_at", "quantity", "query", "order")

# Column name -> raw values: text from CSV, whatever the column's type gives from Parquet.
Raw = dict[str, Sequence[Any]]


class UnreadableFile(RecommendationsError):
    """A file whose columns or format can't be understood; parts of it that came before may be imported."""


def read_file(path: str | Path, stdin: IO[bytes] | None = None, format: str = "") -> Iterator[Raw]:
    """Chunks of at most CHUNK rows. `path` "-" reads `stdin`; `format` ("csv" or "parquet") overrides the suffix.

    A name that ends in .gz is unpacked, twice: its checksum, which stands at its end, must hold before the first row is
    given. Raises UnreadableFile.
    """
    name = str(path)
    format = format or ("parquet" if name.removesuffix(".gz").endswith(".parquet") else "csv")
    try:
        with _opened(name, stdin) as stream:
            yield from _parquet(stream) if format == "parquet" else _csv(stream)
    except (UnicodeDecodeError, csv.Error) as error:
        raise UnreadableFile(f"{name}: {error}; expected a CSV file in UTF-8.") from error
    except OSError as error:
        raise UnreadableFile(f"{name}: {error.strerror or error}.") from error


def _opened(name: str, stdin: IO[bytes] | None) -> Any:
    if name == "-" and stdin is not None:
        return nullcontext(stdin)
    return _unpacked(name) if name.endswith(".gz") else open(name, "rb")


def _unpacked(name: str) -> Any:
    """The file as it was packed. A flipped bit makes other rows of it, which look as good as any."""
    stream = gzip.open(name)  # noqa: SIM115 - closed by whoever reads the rows
    try:
        while stream.read(AT_ONCE):
            pass
        stream.seek(0)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        stream.close()
        raise UnreadableFile(f"{name}: damaged ({error}); expected a gzip file: copy or pack it again.") from error
    return stream


def _csv(stream: Any) -> Iterator[Raw]:
    reader = csv.reader(io.TextIOWrapper(stream, encoding="utf-8-sig", newline=""))
    header = [name.strip() for name in next(reader, [])]
    _check(header)
    while chunk := list(islice(reader, CHUNK)):
        columns = list(zip(*_as_long(chunk, len(header)), strict=True))
        if columns:
            yield dict(zip(header, columns, strict=True))


def _as_long(rows: list[list[str]], length: int) -> list[list[str]]:
    """Rows of that length: a short one lacks its last values, what is beyond the header belongs to no column."""
    if all(len(row) == length for row in rows):
        return rows
    return [(row + [""] * (length - len(row)))[:length] for row in rows if row]


def _parquet(stream: Any) -> Iterator[Raw]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ModuleNotFoundError as error:
        raise UnreadableFile("Parquet needs pyarrow: pip install 'django-because[parquet]'.") from error
    try:
        # The index of a Parquet file is at its end: a pipe can't be read without holding it.
        source = stream if stream.seekable() else io.BytesIO(stream.read())
        file = pyarrow.parquet.ParquetFile(source)
        _check(file.schema_arrow.names)
        if nested := [field.name for field in file.schema_arrow if pyarrow.types.is_nested(field.type)]:
            raise UnreadableFile(f"column {nested[0]!r} holds lists or structures: expected one value a row.")
        for batch in file.iter_batches(batch_size=CHUNK):
            if batch.num_rows:
                yield batch.to_pydict()
    except pyarrow.ArrowException as error:
        raise UnreadableFile(f"{error}; expected a Parquet file.") from error


def _check(header: Sequence[str]) -> None:
    if missing := [name for name in REQUIRED if name not in header]:
        raise UnreadableFile(f"column {missing[0]!r} is missing: found {list(header)}, expected some of {COLUMNS}.")
    if unknown := [name for name in header if name not in COLUMNS]:
        raise UnreadableFile(f"column {unknown[0]!r}: expected some of {COLUMNS}.")
    if len(set(header)) < len(header):
        raise UnreadableFile(f"columns {list(header)}: expected each name once.")
