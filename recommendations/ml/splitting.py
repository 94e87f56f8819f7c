"""What is held out to judge a recommender by: the future of shoppers who have a past."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .interactions import InteractionLog
from .sequences import READ_LIMIT, History

# Shoppers who choose for each who judges, where there are many: a choice gains with their number
# (docs/decisions/0020), and judging asks every method.
CHOOSERS = 3


class NotEnoughData(Exception):
    """The log is too small or too uniform to train on and judge; the text says what there is and what is needed."""


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Shoppers with a past and a future, row by row; each of them chooses, or judges what was chosen."""

    shopper: np.ndarray  # int64 (S)
    chooses: np.ndarray  # bool (S)
    histories: Sequence[History]  # the past as serving would read it: its newest READ_LIMIT events
    met: Sequence[np.ndarray]  # distinct items of the whole past, ascending
    met_counts: Sequence[np.ndarray]  # events of each of `met`
    targets: Sequence[np.ndarray]  # distinct items of the future, ascending

    def __len__(self) -> int:
        return len(self.histories)

    def take(self, rows: Sequence[int]) -> "HeldOut":
        """The shoppers in these rows."""
        lists = (self.histories, self.met, self.met_counts, self.targets)
        return HeldOut(self.shopper[rows], self.chooses[rows], *([values[row] for row in rows] for values in lists))

    def new_only(self) -> "HeldOut":
        """Targets the shopper had never met, and the shoppers who have any."""
        new = [np.setdiff1d(targets, met, True) for targets, met in zip(self.targets, self.met, strict=True)]
        left = HeldOut(self.shopper, self.chooses, self.histories, self.met, self.met_counts, new)
        return left.take([row for row, targets in enumerate(new) if len(targets)])

    def repeating(self) -> int:
        """How many shoppers have a target that they had met."""
        return sum(np.isin(t, met).any() for t, met in zip(self.targets, self.met, strict=True))

    def halves(self) -> tuple["HeldOut", "HeldOut"]:
        """Those who choose, and those who judge: nobody is among the one here and among the other in new_only()."""
        return self.take(np.flatnonzero(self.chooses).tolist()), self.take(np.flatnonzero(~self.chooses).tolist())


def split_time(log: InteractionLog, share: float = 0.1) -> int:
    """The time from which on about `share` of the rows lie; NotEnoughData when all rows have one time."""
    if len(log) == 0:
        raise NotEnoughData("there are no interactions with products yet; record some, or import past orders")
    times = np.sort(log.time)
    cutoff = times[min(int(len(times) * (1 - share)), len(times) - 1)]
    if cutoff == times[0]:
        later = times[times > cutoff]
        if len(later) == 0:
            raise NotEnoughData(f"all {len(log)} interactions have the same time; a past and a later time are needed")
        cutoff = later[0]
    return int(cutoff)


def hold_out(log: InteractionLog, cutoff: int, judged: int | None = None, seed: int = 0) -> HeldOut:
    """The shoppers known before `cutoff` who come back: half of them judge, and at most `judged`.

    The others choose, at most CHOOSERS times as many; `seed` draws who is left out.
    """
    past, future = log.before(cutoff), log.from_time(cutoff).products()
    met_log = past.products()
    past_rows, met_rows, future_rows = (dict(rows.by_shopper()) for rows in (past, met_log, future))
    shoppers = np.array(sorted(met_rows.keys() & future_rows.keys()), np.int64)
    if judged is not None and len(shoppers) > (most := (1 + CHOOSERS) * judged):
        shoppers = np.sort(np.random.default_rng(seed).choice(shoppers, most, replace=False))
    histories, met, counts, targets = [], [], [], []
    for shopper in shoppers.tolist():
        rows = past_rows[shopper]
        read = slice(max(rows.start, rows.stop - READ_LIMIT), rows.stop)
        histories.append(History(past.item[read], past.kind[read], read == rows, past.queries))
        items, times = np.unique(met_log.item[met_rows[shopper]], return_counts=True)
        met.append(items)
        counts.append(times)
        targets.append(np.unique(future.item[future_rows[shopper]]))
    judging = len(shoppers) // 2 if judged is None else min(len(shoppers) // 2, judged)
    judges = np.diff(np.arange(len(shoppers) + 1) * judging // max(len(shoppers), 1)) > 0  # evenly spread
    return HeldOut(shoppers, ~judges, histories, met, counts, targets)
