"""Public data sets, and the questions that the quality benchmark puts to them: what is past, chosen on, and asked.

Files: benchmarks/data_files.py.
"""

from dataclasses import dataclass

import numpy as np

from benchmarks.data_files import LAST, LAST_BUT_ONE, DataSet, one_by_one, read_data, seconds_of
from recommendations.ml.interactions import InteractionLog
from recommendations.ml.splitting import HeldOut, hold_out
from recommendations.ml.training.judge import Protocol


@dataclass(frozen=True, eq=False)
class Question:
    """What is fitted on, what the weights of the mix are chosen on, and what is asked at the end.

    The log up to `choose_from` fits what chooses; `choosing` are the shoppers and targets of the choice. What answers
    `asked` is fitted on the log up to `fit_until`: the same, or later where a shop would fit again. `left_out` shoppers
    are not among `asked`: they had met the right product, and what was met is taken out of the lists.
    """

    data: DataSet
    log: InteractionLog
    choose_from: int
    fit_until: int
    choosing: Protocol
    asked: Protocol
    left_out: int

    @property
    def products(self) -> int:
        """How many."""
        return len(self.data.names)


def ask(data: str, protocol: str, split: str | None = None, judged: int | None = None, back: int = 0) -> Question:
    """The question of a protocol, see PROTOCOLS. Raises ValueError for what the data can't answer.

    leave-one-out: the last product of each shopper; the last but one chooses; nothing is fitted on either. Rows of one
    time stand in a shuffled order. time: the first product after `split`. Both take the history out, and whoever had
    met the right product. next-order: all distinct products of the first order after `split`, known ones too; the time
    before `split` chooses, as long as the time from it, and is fitted at the end. `back` puts the question as it was so
    many spans (from `split` to the end; or products of each shopper) earlier.
    """
    if protocol not in PROTOCOLS:
        raise ValueError(f"protocol {protocol!r}: expected one of {', '.join(PROTOCOLS)}")
    found = read_data(data)
    if protocol == "leave-one-out":
        log, since, until = _rolled_back(one_by_one(found.log), back), LAST_BUT_ONE, LAST
    elif not found.has_times:
        raise ValueError(f"{data} tells no times, {protocol} needs them: pass --protocol leave-one-out")
    elif split is None:
        raise ValueError(f"{protocol}: pass --split DATE")
    else:
        log, since, until = _spans_earlier(found.log, split, back)
    first = PROTOCOLS[protocol]
    chosen, whole = first(log.before(until), since), first(log, until)
    takes_met_out = protocol != "next-order"
    chosen, asked = (chosen.new_only(), whole.new_only()) if takes_met_out else (chosen, whole)
    left_out = len(whole) - len(asked)
    if not (len(log.before(since)) and len(chosen) and len(asked)):
        raise ValueError(
            f"{data}, {protocol}: {len(log.before(since))} rows to fit on, {len(chosen)} shoppers who choose, "
            f"{len(asked)} who are asked ({left_out} had met the right product); none of the first three may be 0"
        )
    choosing = Protocol(protocol, _some(chosen, judged), takes_met_out)
    fit_until = since if protocol == "leave-one-out" else until
    return Question(found, log, since, fit_until, choosing, Protocol(protocol, asked, takes_met_out), left_out)


def _spans_earlier(log: InteractionLog, split: str, back: int) -> tuple[InteractionLog, int, int]:
    """The log as it was `back` spans earlier, and from when on it chooses and asks."""
    until, begin, end = seconds_of(split), int(log.time.min()), int(log.time.max())
    runs = f"the data runs from {_day(begin)} to {_day(end)}"
    if not begin < until < end:
        raise ValueError(f"--split {split}: {runs}; pass a time within")
    span = end - until
    if back:
        log, until = log.before(until - (back - 1) * span), until - back * span
    if until - span <= begin:
        less = "a later --split or fewer --folds" if back else "a later --split"
        raise ValueError(f"--split {split}: {runs}, nothing happened before {_day(until - span)}; pass {less}")
    return log, until - span, until


def _day(time: int) -> str:
    return str(np.datetime64(time, "s"))[:10]  # of any year


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
    """One product each: the first that came, of those of one day a random one."""
    return _first(log, cutoff, whole=False)


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


# Who is asked for what, of a log and the time it is cut at.
PROTOCOLS = {"leave-one-out": hold_out, "time": _first_row, "next-order": _first_time}
