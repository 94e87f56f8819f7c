"""Past interactions in: from files whose rows are checked, or from rows that are known to be right."""

import csv
import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import IO

from django.contrib.auth import get_user_model
from django.db import Error as DatabaseFailure

from ..exceptions import RecommendationsError
from ..ml.kinds import Kind
from .batches import Batch, ImportResult, import_rows, known_products, order_of, store_batches
from .checking import Checker, RejectedRow, Row
from .reading import COLUMNS, Chunk, UnreadableFile, read_file

__all__ = ["Batch", "ImportResult", "ImportStopped", "UnreadableFile", "import_interactions", "import_rows"]

Report = Callable[[int], None]
# What a reason quotes of its row.
VALUE = re.compile(r""" ('.*'|\".*\")(?=:)""", re.DOTALL)


class ImportStopped(RecommendationsError):
    """The database failed; parts of the file that came before may be imported."""


def import_interactions(
    path: str | Path,
    *,
    stdin: IO[bytes] | None = None,
    format: str = "",
    naive_times: tzinfo = UTC,
    shoppers_are_users: bool = False,
    rejected: IO[str] | None = None,
    dry_run: bool = False,
    report: Report | None = None,
) -> ImportResult:
    """Import one CSV or Parquet file ("-" reads `stdin`); a second import of it adds nothing.

    Columns: shopper (external id, or with `shoppers_are_users` a user's primary key) and occurred_at (ISO 8601; without
    an offset it is in `naive_times`); product (not for a search), kind ("purchase"), quantity (1), query and order,
    whose lines stand together. Rows that can't be used go to `rejected` as CSV, with file, row number and reason. A dry
    run does all of it, and rolls each part back. Times are kept in whole seconds. Raises UnreadableFile, and
    ImportStopped when the database fails; both tell how many rows are in.
    """
    users = get_user_model()._default_manager
    products = known_products()
    checker = Checker(
        products=products,
        timezone=naive_times,
        now=datetime.now(UTC),
        shoppers={str(key) for key in users.values_list("pk", flat=True)} if shoppers_are_users else None,
    )
    rows = _Rows(checker, _Writer(rejected, str(path)))

    def progress(_: int) -> None:
        if report:
            report(checker.read)

    batches = rows.batches(read_file(path, stdin, format))
    try:
        result = store_batches(batches, products, progress, shoppers_are_users, rows.refuse, dry_run)
    except UnreadableFile as error:
        raise UnreadableFile(f"{error} {_so_far(0 if dry_run else rows.done)}") from error
    except DatabaseFailure as error:
        what = str(error).partition("\n")[0]
        raise ImportStopped(f"{path}: the database failed ({what}). {_so_far(0 if dry_run else rows.done)}") from error
    result.rejected, result.reasons = checker.read - result.read, rows.writer.reasons
    result.read = checker.read
    return result


def _so_far(rows: int) -> str:
    if not rows:
        return "Nothing of it was imported."
    return f"Its first {rows:,} rows are in, or rejected; importing it again, mended, adds none of them twice."


class _Rows:
    """Rows of a file on their way into the log."""

    def __init__(self, checker: Checker, writer: "_Writer") -> None:
        self.checker, self.writer = checker, writer
        self.given: list[Row] = []  # those of the last batch
        self.done = 0  # so many lines below the header are stored or rejected

    def batches(self, chunks: Iterator[Chunk]) -> Iterator[Batch]:
        """The good rows, cut so that the lines of an order that stand together stay together."""
        held: list[Row] = []
        for chunk in chunks:
            rows = held + self.checker.check(chunk)
            self.writer.write(self.checker.take_rejected())
            cut = _last_order(rows)
            self.given, held = rows[:cut], rows[cut:]
            yield _as_batch(self.given)
            self.done = held[0][-1] - 1 if held else chunk.numbers[-1]
        self.given = held
        yield _as_batch(held)

    def refuse(self, places: list[int]) -> None:
        """Reject rows of the last batch: their users were deleted after the import began."""
        self.writer.write([_refused(self.given[place]) for place in places])


def _last_order(rows: list[Row]) -> int:
    """Where the lines of the order begin that may go on in the next chunk."""
    cut = len(rows)
    last = _order(rows[-1]) if rows else None
    while last and cut and _order(rows[cut - 1]) == last:
        cut -= 1
    return cut


def _order(row: Row) -> tuple[str, str] | None:
    shopper, _, kind, *_, order, _ = row
    return order_of(shopper, kind, order)


def _as_batch(rows: list[Row]) -> Batch:
    names = ("shopper", "product", "kind", "time", "quantity", "query", "order")
    *columns, _ = zip(*rows, strict=True) if rows else [()] * 8
    return Batch(**dict(zip(names, columns, strict=True)))


def _refused(row: Row) -> RejectedRow:
    shopper, product, kind, seconds, quantity, query, order, number = row
    time = datetime.fromtimestamp(seconds, UTC).isoformat()
    reason = f"shopper {shopper!r}: expected the primary key of a user"
    return number, reason, (shopper, product, Kind(kind).name.lower(), time, str(quantity), query, order)


class _Writer:
    """Counts and writes rejected rows, the header with the first of them that the stream holds."""

    def __init__(self, stream: IO[str] | None, file: str) -> None:
        self.writer = csv.writer(stream) if stream is not None else None
        self.file = file
        self.started = stream is not None and stream.seekable() and stream.tell() > 0
        self.reasons: Counter[str] = Counter()

    def write(self, rows: list[RejectedRow]) -> None:
        self.reasons.update(VALUE.sub("", reason) for _, reason, _ in rows)
        if self.writer is None or not rows:
            return
        if not self.started:
            self.writer.writerow(["file", "row", "reason", *COLUMNS])
            self.started = True
        self.writer.writerows([self.file, number, reason, *values] for number, reason, values in rows)
