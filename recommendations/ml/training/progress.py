"""How far a training is, stage by stage."""

from collections.abc import Callable
from time import monotonic

Report = Callable[[str, float], None]

# Stage -> the share of the whole training it takes, for the progress bar.
STAGES = {"count": 0.04, "judged fit": 0.40, "choose weights": 0.07, "judge": 0.06, "final fit": 0.41, "export": 0.02}


class Progress:
    """Turns shares of a stage into shares of the whole, keeps the stages' times, and watches the clock."""

    def __init__(self, report: Report, max_seconds: float):
        self._report, self._max_seconds = report, max_seconds
        self._started = self._entered = monotonic()
        self._stage = ""
        self._timings: dict[str, float] = {}

    def enter(self, stage: str) -> None:
        """The stage begins, and the one before ends."""
        self._close()
        self._stage, self._entered = stage, monotonic()
        self(0.0)

    def __call__(self, share: float) -> None:
        """Report this share of the stage. TimeoutError when the training takes longer than it may."""
        seconds = monotonic() - self._started
        if seconds > self._max_seconds:
            raise TimeoutError(
                f"training was given up in stage {self._stage!r} after {seconds:.0f} s; "
                f"raise max_seconds (now {self._max_seconds:.0f}) or lower steps"
            )
        names = list(STAGES)
        before = sum(STAGES[name] for name in names[: names.index(self._stage)])
        self._report(self._stage, min(before + STAGES[self._stage] * share, 1.0))

    def timings(self) -> dict[str, float]:
        """Stage -> seconds, and those in all."""
        self._close()
        return self._timings | {"total": round(monotonic() - self._started, 3)}

    def _close(self) -> None:
        if self._stage:
            self._timings[self._stage] = round(monotonic() - self._entered, 3)
