"""All that a fit's next step depends on, and how it is kept: arrays, and numbers for a JSON file."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch

from ..interactions import InteractionLog
from .network import Network, NetworkSettings
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
    """The rows of step after step: pass after pass over the log, each drawn anew."""

    def __init__(
        self, log: InteractionLog, trained_kinds: tuple[int, ...], settings: FitSettings, rng: np.random.Generator
    ):
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

    network: Network
    optimizer: torch.optim.Optimizer
    passes: Passes
    rng: np.random.Generator
    step: int = 0  # steps done

    def stored(self) -> tuple[dict[str, np.ndarray], dict]:
        """(arrays, numbers) from which restore() makes the same state."""
        arrays = {f"network.{name}": tensor.numpy() for name, tensor in self.network.state_dict().items()}
        for parameter, values in self.optimizer.state_dict()["state"].items():
            arrays |= {f"optimizer.{parameter}.{name}": tensor.numpy() for name, tensor in values.items()}
        drop = self.network.encoder.drop
        arrays |= {"torch": torch.get_rng_state().numpy(), "dropout": np.packbits(drop._pool.numpy() > 0)}
        numbers = {
            "step": self.step,
            "generator": self.rng.bit_generator.state,
            "pass_begun": self.passes.begun,
            "pass_taken": self.passes.taken,
            "dropout_pool": len(drop._pool),
            "dropout_left": drop._windows_left,
        }
        return arrays, numbers

    def restore(self, arrays: dict[str, np.ndarray], numbers: dict) -> None:
        """Become the state that was stored()."""
        tensors = {name: torch.from_numpy(values) for name, values in arrays.items()}
        weights = {name.partition(".")[2]: values for name, values in tensors.items() if name.startswith("network.")}
        self.network.load_state_dict(weights)
        moments: dict[int, dict] = {}
        for name, values in tensors.items():
            if name.startswith("optimizer."):
                _, parameter, what = name.split(".")
                moments.setdefault(int(parameter), {})[what] = values
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": moments, "param_groups": groups})
        drop = self.network.encoder.drop
        bits = np.unpackbits(arrays["dropout"], count=numbers["dropout_pool"]).astype(np.float32)
        drop._pool, drop._windows_left = torch.from_numpy(bits).div_(1 - drop.share), numbers["dropout_left"]
        self.passes.resume(numbers["pass_begun"], numbers["pass_taken"])
        self.rng.bit_generator.state = numbers["generator"]
        torch.set_rng_state(tensors["torch"])
        self.step = numbers["step"]
