"""What of a shop's log a training leaves out, counted by cause: nothing goes without a number in the data report."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np

from .kinds import Kind

# Every cause, in the order in which they are looked for; an event that has several counts for the first.
CAUSES = (
    "opted_out",  # of shoppers who switched personalisation off
    "other_kinds",  # returns and what was taken out of a cart: no wish
    "removed",  # by the shopper from their history
    "visitors",  # of those known from their browser alone, once there are customers enough to learn from
    "broken",  # a search without words, or with a product
    "clock",  # before EARLIEST, or more than AHEAD in the future
    "staff",  # what the shop's own people looked at
    "bots",  # of shoppers with more than BOT_VIEWS views and searches in an hour; purchases stay
    "duplicates",  # the same once more, in the same second
    "returned",  # purchases that came back
    "too_long",  # beyond a shopper's newest MOST_EVENTS
    "unmatched_searches",  # for words that no product has
)
EARLIEST = int(datetime(1990, 1, 1, tzinfo=UTC).timestamp())
AHEAD = 86_400
BOT_VIEWS, BOT_SECONDS = 600, 3_600
MOST_EVENTS = 5_000

SHOPPER, ABOUT, KIND, TIME = range(4)
# An odd number without a pattern: 2 ** 64 by the golden ratio, as int64.
MIXER = np.int64(-7046029254386353131)

# (shopper, product, quantity, epoch seconds)
OrderLine = tuple[int, int, int, int]


@dataclass
class DataReport:
    """How many events there were and what became of them: `rows` is the sum of `kept` and of `left_out`."""

    kept: int = 0
    left_out: dict[str, int] = field(default_factory=lambda: dict.fromkeys(CAUSES, 0))
    one_event_shoppers: int = 0  # kept, since they count for what is popular; they teach no order

    @property
    def rows(self) -> int:
        """All events of the shop's table."""
        return self.kept + sum(self.left_out.values())

    def to_dict(self) -> dict:
        """As JSON-able values."""
        return {
            "rows": self.rows,
            "kept": self.kept,
            "left_out": dict(self.left_out),
            "one_event_shoppers": self.one_event_shoppers,
        }

    def leave_out(self, cause: str, rows: int) -> None:
        """Count events that were left out."""
        self.left_out[cause] += int(rows)


def clean(
    events: np.ndarray, report: DataReport, now: int, staff: Collection[int] = (), returned: Iterable[OrderLine] = ()
) -> np.ndarray:
    """The events (N, 4: shopper, product or number of the search, kind, epoch seconds) that are learned from.

    All events of a shopper must come together. What is left out is counted in `report`; what is kept is not, yet.
    `returned` are the purchases that came back.
    """
    for cause, find in (
        ("clock", lambda rows: (rows[:, TIME] < EARLIEST) | (rows[:, TIME] > now + AHEAD)),
        ("staff", lambda rows: np.isin(rows[:, SHOPPER], list(staff)) & (rows[:, KIND] != Kind.PURCHASE)),
        ("bots", _of_bots),
        ("duplicates", _duplicates),
        ("returned", lambda rows: _among(rows, returned)),
        ("too_long", _beyond_the_newest),
    ):
        wrong = find(events)
        if found := np.count_nonzero(wrong):
            report.leave_out(cause, found)
            events = events[~wrong]
    return events


def came_back(returns: Iterable[OrderLine], purchases: Iterable[OrderLine]) -> list[OrderLine]:
    """The purchases that these returns undo: of the same shopper and product, the newest before the return first.

    A return undoes a purchase of no more pieces than it still has; a part of a purchase undoes nothing.
    """
    returns = sorted(returns, key=lambda line: line[3])
    bought: dict[tuple[int, int], list[OrderLine]] = {line[:2]: [] for line in returns}
    for line in sorted((line for line in purchases if line[:2] in bought), key=lambda line: line[3]):
        bought[line[:2]].append(line)
    undone = []
    for shopper, product, pieces, time in returns:
        lines = bought[shopper, product]
        for line in [line for line in reversed(lines) if line[3] <= time]:
            if line[2] <= pieces:
                pieces -= line[2]
                lines.remove(line)
                undone.append(line)
    return undone


def _of_bots(rows: np.ndarray) -> np.ndarray:
    looked = rows[(rows[:, KIND] == Kind.VIEW) | (rows[:, KIND] == Kind.SEARCH)]
    shoppers, views = np.unique(looked[:, SHOPPER], return_counts=True)
    if views.max(initial=0) <= BOT_VIEWS:
        return np.zeros(len(rows), bool)
    looked = looked[np.isin(looked[:, SHOPPER], shoppers[views > BOT_VIEWS])]
    looked = looked[np.lexsort((looked[:, TIME], looked[:, SHOPPER]))]
    first, last = looked[:-BOT_VIEWS], looked[BOT_VIEWS:]  # BOT_VIEWS later
    fast = (first[:, SHOPPER] == last[:, SHOPPER]) & (last[:, TIME] - first[:, TIME] < BOT_SECONDS)
    return np.isin(rows[:, SHOPPER], first[fast, SHOPPER]) & (rows[:, KIND] != Kind.PURCHASE)


def _duplicates(rows: np.ndarray) -> np.ndarray:
    again = np.zeros(len(rows), bool)
    alike = np.flatnonzero(_alike(rows))  # few: sorting all rows by four columns takes longer than reading them
    some = rows[alike]
    order = np.lexsort((some[:, KIND], some[:, ABOUT], some[:, TIME], some[:, SHOPPER]))
    again[alike[order[1:]]] = (some[order[1:]] == some[order[:-1]]).all(axis=1)
    return again


def _alike(rows: np.ndarray) -> np.ndarray:
    """bool (N): rows that may be there twice, by one number for each; all that are, are among them."""
    number = rows[:, SHOPPER]
    for column in (ABOUT, KIND, TIME):
        number = number * MIXER + rows[:, column]  # it wraps
    ordered = np.sort(number)
    twice = ordered[1:][ordered[1:] == ordered[:-1]]
    return np.isin(number, twice) if len(twice) else np.zeros(len(rows), bool)


def _among(rows: np.ndarray, returned: Iterable[OrderLine]) -> np.ndarray:
    undone = {(shopper, product, time) for shopper, product, _, time in returned}
    found = np.zeros(len(rows), bool)
    if undone:
        shoppers = np.array(sorted({shopper for shopper, *_ in undone}))
        bought = np.flatnonzero((rows[:, KIND] == Kind.PURCHASE) & np.isin(rows[:, SHOPPER], shoppers))
        found[bought] = [key in undone for key in map(tuple, rows[bought][:, [SHOPPER, ABOUT, TIME]].tolist())]
    return found


def _beyond_the_newest(rows: np.ndarray) -> np.ndarray:
    _, place_of, events = np.unique(rows[:, SHOPPER], return_inverse=True, return_counts=True)
    found = np.zeros(len(rows), bool)
    long = np.flatnonzero(events[place_of] > MOST_EVENTS)
    order = long[np.lexsort((rows[long, ABOUT], rows[long, KIND], -rows[long, TIME], rows[long, SHOPPER]))]
    shopper = rows[order, SHOPPER]
    place = np.arange(len(order)) - np.searchsorted(shopper, shopper)  # 0 = the shopper's newest
    found[order] = place >= MOST_EVENTS
    return found
