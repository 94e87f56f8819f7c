"""All that a fit's next step depends on, and how it is kept: arrays, and numbers for a JSON file."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from ..interactions import InteractionLog
from ..splitting import NotEnoughData
from .learner import Learner
from .network import NetworkSettings
from .windows import Rows, batches, draw_pass, read_kinds


@dataclass(frozen=True)
class FitSettings:
    """How the network is fitted; settings.plan() adapts dropout, rate and steps to the size of the data."""

    network: NetworkSettings = field(default_factory=NetworkSettings)
    rows: int = 64  # packed rows in a step
    rate: float = 2e-3
    negatives: int = 1024  # shared by all targets of a step; smaller catalogs are taken whole
    deletion: float = 0.15  # share of events left out in a pass: makes a removed product a familiar sight
    kind_dropout: float = 0.25
    seed: int = 0


class Passes:
    """The rows of step after step: pass after pass over the log, each drawn anew; NotEnoughData for an empty log."""

    def __init__(
        self, log: InteractionLog, trained_kinds: tuple[int, ...], settings: FitSettings, rng: np.random.Generator
    ):
        if len(log) == 0:
            raise NotEnoughData("there are no interactions to fit a network on")
        self._log, self._as_read = log, read_kinds(trained_kinds)
        self._settings, self._rng = settings, rng
        self._left: Iterator[Rows] = iter(())
        self.begun: dict = rng.bit_generator.state  # the generator when the pass was drawn
        self.taken = 0  # steps of the pass

    def next_rows(self) -> Rows:
        """The rows of the next step."""
        while (rows := next(self._left, None)) is None:
            self._draw()
        self.taken += 1
        return rows

    def resume(self, begun: dict, taken: int) -> None:
        """Draw the pass that began with the generator in the state `begun`, and skip the steps it has had."""
        self._rng.bit_generator.state = begun
        self._draw()
        for _ in range(taken):
            self.next_rows()

    def _draw(self) -> None:
        self.begun, self.taken = self._rng.bit_generator.state, 0
        settings = self._settings
        rows = draw_pass(self._log, self._as_read, settings.deletion, settings.kind_dropout, self._rng)
        self._left = batches(rows, settings.rows)


@dataclass(eq=False)
class FitState:
    """A fit between two steps."""

    learner: Learner
    passes: Passes
    rng: np.random.Generator
    step: int = 0  # steps done

    def stored(self) -> tuple[dict[str, np.ndarray], dict]:
        """(arrays, numbers) from which restore() makes the same state."""
        arrays, numbers = self.learner.stored()
        return arrays, numbers | {
            "step": self.step,
            "generator": self.rng.bit_generator.state,
            "pass_begun": self.passes.begun,
            "pass_taken": self.passes.taken,
        }

    def restore(self, arrays: dict[str, np.ndarray], numbers: dict) -> None:
        """Become the state that was stored()."""
        self.passes.resume(numbers["pass_begun"], numbers["pass_taken"])
        self.rng.bit_generator.state = numbers["generator"]
        self.learner.restore(arrays, numbers)
        self.step = numbers["step"]
