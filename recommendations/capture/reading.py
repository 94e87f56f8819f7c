"""Files of past interactions, CSV or Parquet, as columns of raw values."""

import csv
import gzip
import io
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO, Any

from ..exceptions import RecommendationsError

CHUNK = 20_000
AT_ONCE = 1 << 20  # bytes
REQUIRED = ("shopper", "occurred_at")
COLUMNS = ("shopper", "product", "kind", "occurred_at", "quantity", "query", "order")
NAMES = ("shopper", "product", "order")  # columns of names, which must arrive to the letter
LINE_ENDS = re.compile(rb"\r\n?|\n")

# Column name -> raw values: text from CSV, whatever the column's type gives from Parquet.
Raw = dict[str, Sequence[Any]]


@dataclass(frozen=True)
class Chunk:
    """Rows of a file that follow one another; blank lines are none."""

    columns: Raw
    numbers: Sequence[int]  # of the rows: the first line below the header is 1
    too_long: Mapping[int, int] = field(default_factory=dict)  # number of a row -> how many values it has, too many


class UnreadableFile(RecommendationsError):
    """A file whose columns or format can't be understood; parts of it that came before may be imported."""


def read_file(path: str | Path, stdin: IO[bytes] | None = None, format: str = "") -> Iterator[Chunk]:
    """Chunks of at most CHUNK rows. `path` "-" reads `stdin`; `format` ("csv" or "parquet") overrides the suffix.

    A name that ends in .gz is unpacked, twice: its checksum, which stands at its end, must hold before the first row is
    given. Raises UnreadableFile.
    """
    name = str(path)
    format = format or ("parquet" if name.removesuffix(".gz").endswith(".parquet") else "csv")
    try:
        with _opened(name, stdin) as stream:
            yield from _parquet(stream) if format == "parquet" else _csv(stream, name)
    except UnicodeDecodeError as error:
        raise UnreadableFile(f"{name}: {error}; expected text in UTF-8.") from error
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


def _csv(stream: Any, name: str) -> Iterator[Chunk]:
    # Strict: else a quote that is opened and not closed makes one value of all that follows.
    reader = csv.reader(io.TextIOWrapper(stream, encoding="utf-8-sig", newline=""), strict=True)
    rows = _numbered(reader, name)
    top, header = next(rows, (0, []))
    header = [column.strip() for column in header]
    _check(header)
    while chunk := list(islice(rows, CHUNK)):
        lines, values = zip(*chunk, strict=True)
        too_long = {line - top: len(row) for line, row in chunk if any(map(str.strip, row[len(header) :]))}
        columns = zip(*_as_long(values, len(header)), strict=True)
        yield Chunk(dict(zip(header, columns, strict=True)), [line - top for line in lines], too_long)


def _numbered(reader: Any, name: str) -> Iterator[tuple[int, list[str]]]:
    """(line in which it begins, row) of all rows that are not blank. Raises UnreadableFile, which names the line."""
    line = 1
    try:
        for row in reader:
            if row:
                yield line, row
            line = reader.line_num + 1
    except csv.Error as error:
        expected = 'expected CSV, where a value that begins with " ends with one and has those within it doubled'
        raise UnreadableFile(f"{name}: line {line}: {error}; {expected}.") from error
    except UnicodeDecodeError as error:
        # The text is decoded ahead of the rows.
        line = reader.line_num + 1 + len(LINE_ENDS.findall(error.object[: error.start]))
        raise UnreadableFile(f"{name}: line {line}: {error}; expected a CSV file in UTF-8.") from error


def _as_long(rows: Sequence[list[str]], length: int) -> Sequence[list[str]]:
    """Rows of that length: a short one lacks its last values, what is beyond the header belongs to no column."""
    if all(len(row) == length for row in rows):
        return rows
    return [(row + [""] * (length - len(row)))[:length] for row in rows]


def _parquet(stream: Any) -> Iterator[Chunk]:
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
        for column in file.schema_arrow:
            _check_type(column, pyarrow.types)
        done = 0
        for batch in file.iter_batches(batch_size=CHUNK):
            numbers = range(done + 1, done + batch.num_rows + 1)
            done += batch.num_rows
            if numbers:
                columns = zip(batch.schema.names, batch.columns, strict=True)
                yield Chunk({name: _values(name, column, pyarrow) for name, column in columns}, numbers)
    except pyarrow.ArrowException as error:
        raise UnreadableFile(f"{error}; expected a Parquet file.") from error


def _check_type(column: Any, types: Any) -> None:
    """Refuse what is no text and can't be made one without a loss."""
    if types.is_nested(column.type):
        raise UnreadableFile(f"column {column.name!r} holds lists or structures: expected one value a row.")
    if types.is_fixed_size_binary(column.type):
        raise UnreadableFile(f"column {column.name!r} is {column.type}: expected text.")
    if column.name in NAMES and (types.is_float16(column.type) or types.is_float32(column.type)):
        raise UnreadableFile(f"column {column.name!r} is {column.type}, 7 digits: expected text or whole numbers.")


def _values(name: str, column: Any, pyarrow: Any) -> list[Any]:
    types = pyarrow.types
    if types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if types.is_binary(column.type) or types.is_large_binary(column.type):
        try:
            column = column.cast(pyarrow.string())
        except pyarrow.ArrowInvalid as error:
            raise UnreadableFile(f"column {name!r} is {column.type}, and no UTF-8: expected text.") from error
    if not types.is_temporal(column.type):
        return list(column.to_pylist())
    if types.is_timestamp(column.type) and column.type.unit == "ns":
        column = column.cast(pyarrow.timestamp("us", column.type.tz), safe=False)  # Python's times have no more
    try:
        return list(column.to_pylist())
    except (LookupError, OverflowError, ValueError):
        return [_time(cell) for cell in column]


def _time(cell: Any) -> Any:
    """The time; as the number that it is stored as where Python has no such time, or no such time zone."""
    try:
        return cell.as_py()
    except (LookupError, OverflowError, ValueError):
        return str(cell.value)


def _check(header: Sequence[str]) -> None:
    if missing := [name for name in REQUIRED if name not in header]:
        raise UnreadableFile(f"column {missing[0]!r} is missing: found {list(header)}, expected some of {COLUMNS}.")
    if unknown := [name for name in header if name not in COLUMNS]:
        raise UnreadableFile(f"column {unknown[0]!r}: expected some of {COLUMNS}.")
    if len(set(header)) < len(header):
        raise UnreadableFile(f"columns {list(header)}: expected each name once.")
