"""Public data sets, and the questions that the quality benchmark puts to them: what is past, chosen on, and asked.

Files: benchmarks/data_files.py.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from benchmarks.data_files import LAST, LAST_BUT_ONE, DataSet, one_by_one, read_data
from recommendations.ml.interactions import InteractionLog
from recommendations.ml.splitting import HeldOut, hold_out
from recommendations.ml.training.judge import Protocol

PROTOCOLS = ("leave-one-out", "time", "next-order")


@dataclass(frozen=True, eq=False)
class Question:
    """What is fitted on, what the weights of the mix are chosen on, and what is asked at the end.

    The log up to `choose_from` fits what chooses; `choosing` are the shoppers and targets of the choice. What answers
    `asked` is fitted on the log up to `fit_until`: the same, or later where a shop would fit again.
    """

    data: DataSet
    log: InteractionLog
    choose_from: int
    fit_until: int
    choosing: Protocol
    asked: Protocol

    @property
    def products(self) -> int:
        """How many."""
        return len(self.data.names)


def ask(data: str, protocol: str, split: str | None = None, judged: int | None = None, back: int = 0) -> Question:
    """The question of a protocol, see PROTOCOLS. Raises ValueError for what the data can't answer.

    leave-one-out: the last product of each shopper, the history taken out; the last but one chooses; nothing is fitted
    on either. Rows of one time stand in a shuffled order. time: the first product after `split`. next-order: all
    distinct products of the first order after `split`, known ones too; the time before `split` chooses, as long as the
    time from it, and is fitted at the end. `back` puts the question as it was so many spans (from `split` to the end;
    or products of each shopper) earlier.
    """
    if protocol not in PROTOCOLS:
        raise ValueError(f"protocol {protocol!r}: expected one of {', '.join(PROTOCOLS)}")
    found = read_data(data)
    log = found.log
    if protocol == "leave-one-out":
        log = _rolled_back(one_by_one(log), back)
        chosen, asked = (
            hold_out(log.before(until), since) for since, until in ((LAST_BUT_ONE, LAST), (LAST, LAST + 1))
        )
        choosing = Protocol(protocol, _some(chosen, judged), True)
        return Question(found, log, LAST_BUT_ONE, LAST_BUT_ONE, choosing, Protocol(protocol, asked, True))
    if not found.has_times:
        raise ValueError(f"{data} tells no times, {protocol} needs them: pass --protocol leave-one-out")
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
    return Question(found, log, since, until, choosing, Protocol(protocol, asked, takes_met_out))


def _rolled_back(log: InteractionLog, count: int) -> InteractionLog:
    """As it was `count` products of each shopper earlier; whoever has fewer than three left is left out."""
    if not count:
        return log
    starts = log.shopper_starts()
    lengths = np.diff(starts)
    left = np.repeat(starts[1:], lengths) - np.arange(len(log)) - 1 - count  # rows of the shopper that come later
    kept = (left >= 0) & (np.repeat(lengths, lengths) >= count + 3)
    return one_by_one(InteractionLog(log.shopper[kept], log.item[kept], log.kind[kept], log.time[kept]))


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
