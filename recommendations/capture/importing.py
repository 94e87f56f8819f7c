"""Past interactions in: from files whose rows are checked, or from rows that are known to be right."""

import csv
import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import IO, Any

from django.contrib.auth import get_user_model
from django.db import router, transaction

from ..models import Interaction
from .batches import Batch, ImportResult, import_rows, known_products, store_batches
from .checking import Checker
from .reading import COLUMNS, Raw, UnreadableFile, read_file

__all__ = ["Batch", "ImportResult", "UnreadableFile", "import_interactions", "import_rows"]

Report = Callable[[int], None]
# What a reason quotes of its row.
VALUE = re.compile(r""" ('.*'|\".*\")(?=:)""", re.DOTALL)


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
    run does all of it, then rolls it back. Times are kept in whole seconds. Raises UnreadableFile, which tells
    how many rows are in.
    """
    users = get_user_model()._default_manager
    products = known_products()
    checker = Checker(
        products=products,
        timezone=naive_times,
        now=datetime.now(UTC),
        shoppers={str(key) for key in users.values_list("pk", flat=True)} if shoppers_are_users else None,
    )
    writer = _Writer(rejected, str(path))
    batches = _checked(checker, read_file(path, stdin, format), writer)

    def progress(_: int) -> None:
        if report:
            report(checker.row)

    try:
        if dry_run:
            with transaction.atomic(using=router.db_for_write(Interaction)):
                result = store_batches(batches, products, progress, shoppers_are_users)
                transaction.set_rollback(True, using=router.db_for_write(Interaction))
        else:
            result = store_batches(batches, products, progress, shoppers_are_users)
    except UnreadableFile as error:
        raise UnreadableFile(f"{error} {_so_far(0 if dry_run else checker.row)}") from error
    result.rejected, result.reasons = checker.row - result.read, writer.reasons
    result.read = checker.row
    return result


def _so_far(rows: int) -> str:
    if not rows:
        return "Nothing of it was imported."
    return f"Its first {rows:,} rows are in, or rejected; importing it again, mended, adds none of them twice."


def _checked(checker: Checker, chunks: Iterator[Raw], writer: "_Writer") -> Iterator[Batch]:
    for chunk in _whole_orders(chunks):
        batch = checker.check(chunk)
        writer.write(checker.take_rejected())
        yield batch


def _whole_orders(chunks: Iterator[Raw]) -> Iterator[Raw]:
    """The same rows, cut so that the lines of an order that stand together stay together."""
    held: Raw = {}
    for chunk in chunks:
        if "order" not in chunk:
            yield chunk
            continue
        joined = {name: [*held.get(name, ()), *values] for name, values in chunk.items()}
        orders = joined["order"]
        cut = len(orders)
        while cut and orders[-1] and orders[cut - 1] == orders[-1]:
            cut -= 1
        # One order as long as the chunk: nothing to keep together.
        cut = cut or len(next(iter(joined.values())))
        held = {name: values[cut:] for name, values in joined.items()}
        yield {name: values[:cut] for name, values in joined.items()}
    if held and len(next(iter(held.values()))):
        yield held


class _Writer:
    """Counts and writes rejected rows, the header with the first of them that the stream holds."""

    def __init__(self, stream: IO[str] | None, file: str) -> None:
        self.writer = csv.writer(stream) if stream is not None else None
        self.file, self.started = file, stream is not None and stream.tell() > 0
        self.reasons: Counter[str] = Counter()

    def write(self, rows: list[tuple[int, str, tuple[Any, ...]]]) -> None:
        self.reasons.update(VALUE.sub("", reason) for _, reason, _ in rows)
        if self.writer is None or not rows:
            return
        if not self.started:
            self.writer.writerow(["file", "row", "reason", *COLUMNS])
            self.started = True
        self.writer.writerows([self.file, number, reason, *values] for number, reason, values in rows)
