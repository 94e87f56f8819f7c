"""What a fault did, in one row, and whether that is what was promised."""

from collections.abc import Collection
from dataclasses import dataclass, field

from .load import Seen

# p99 during a fault: at most FACTOR times that of before, and SLACK more.
FACTOR, SLACK = 1.5, 0.050
HEADER = ("fault", "accepted", "lost", "503", "else", "pages", "failed", "p99 before", "during", "log", "verdict")
WIDTHS = (42, 9, 6, 6, 8, 7, 8, 12, 9, 5, 9)


@dataclass
class Outcome:
    """Of one fault; `wrong` names what was not as promised."""

    fault: str
    accepted: int = 0
    lost: int = 0
    refused: int = 0
    otherwise: int = 0
    pages: int = 0
    failed: int = 0
    before: float | None = None
    during: float | None = None
    logged: int | None = None
    wrong: list[str] = field(default_factory=list)
    began: float | None = None  # where the fault itself is shorter than what is done around it
    ended: float | None = None

    def check(self, holds: bool, otherwise: str) -> None:
        """Note what is wrong unless it holds."""
        if not holds:
            self.wrong.append(otherwise)

    @property
    def row(self) -> str:
        times = ["-" if time is None else f"{time * 1000:.0f} ms" for time in (self.before, self.during)]
        numbers = (self.accepted, self.lost, self.refused, self.otherwise, self.pages, self.failed)
        logged = "-" if self.logged is None else self.logged
        cells = (self.fault, *numbers, *times, logged, "WRONG" if self.wrong else "ok")
        return "".join(
            f"{cell:<{width}}" if k == 0 else f"{cell:>{width}}"
            for k, (cell, width) in enumerate(zip(cells, WIDTHS, strict=True))
        )


def header() -> str:
    return "".join(
        f"{name:<{w}}" if k == 0 else f"{name:>{w}}" for k, (name, w) in enumerate(zip(HEADER, WIDTHS, strict=True))
    )


def p99(seconds: Collection[float]) -> float | None:
    """The time that 99 of 100 stay below."""
    ordered = sorted(seconds)
    return ordered[min(int(len(ordered) * 0.99), len(ordered) - 1)] if ordered else None


def judge(
    outcome: Outcome,
    seen: Seen,
    times: tuple[float, float, float],
    stored: Collection[str],
    in_doubt: int = 0,
    may_fail: int = 0,
    is_timed: bool = True,
) -> None:
    """Fill in what was seen. `times`: warm, the fault begins, it ends. `stored` are the ids of events in the database.

    `in_doubt` so many may be stored though their commit's answer was lost: sent again they count as duplicates.
    `may_fail` so many pages may fail, and so many events have no answer, as they would without the app. Unless
    `is_timed`, pages may take what they like.
    """
    warm, began, ended = times[0], outcome.began or times[1], outcome.ended or times[2]
    pages = [(when, seconds) for when, seconds, _ in seen.pages]
    during = [seconds for when, seconds in pages if began <= when < ended]
    outcome.before = p99([seconds for when, seconds in pages if warm <= when < times[1]])
    outcome.during = p99(during)
    outcome.pages, outcome.failed = len(pages), sum(status != 200 for _, _, status in seen.pages)
    accepted = [name for _, name, status, _ in seen.events if status == 201]
    refused = [(name, told) for _, name, status, told in seen.events if status == 503]
    outcome.accepted, outcome.refused = len(accepted), len(refused)
    outcome.otherwise = len(seen.events) - len(accepted) - len(refused)
    outcome.lost = len(set(accepted) - set(stored))
    outcome.check(outcome.lost == 0, f"{outcome.lost} accepted events are not in the database")
    outcome.check(all(told for _, told in refused), "a 503 without Retry-After")
    counted = len({name for name, _ in refused} & set(stored))
    outcome.check(counted <= in_doubt, f"{counted} events are stored that were refused")
    outcome.check(outcome.failed <= may_fail, f"{outcome.failed} pages failed")
    outcome.check(outcome.otherwise <= may_fail, f"{outcome.otherwise} events were neither stored nor refused by 503")
    if is_timed and outcome.before is not None and outcome.during is not None:
        limit = FACTOR * outcome.before + SLACK
        outcome.check(outcome.during <= limit, f"p99 {outcome.during * 1000:.0f} ms is over {limit * 1000:.0f} ms")
