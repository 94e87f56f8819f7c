"""How fast a fit could be if the processor did nothing but its matrix products."""

from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter, process_time

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from recommendations.ml.interactions import InteractionLog
from recommendations.ml.training.fit import FitSettings
from recommendations.ml.training.learner import step_loss
from recommendations.ml.training.loss import NegativeSampler
from recommendations.ml.training.network import Network
from recommendations.ml.training.tables import Tables
from recommendations.ml.training.windows import batches, draw_pass, read_kinds

COUNTED = 4  # steps
SIDE = 1024  # of the square matrices whose product is timed: 2.1 GFLOP, large enough for the best rate


def _added_product(total: tuple, left: tuple, right: tuple, *args, out_shape=None, **kwargs) -> int:
    return 2 * left[0] * left[1] * right[1]


def step_flop(network: Network, rows, sampler: NegativeSampler) -> int:
    """Floating-point operations of the matrix products of one step, forward and backward, as they are called."""
    with FlopCounterMode(display=False, custom_mapping={torch.ops.aten.addmm_: _added_product}) as counter:
        step_loss(network, network.item_matrix, network.bias, rows, sampler.draw()).backward()
    return counter.get_total_flops()


def fit_flop(log: InteractionLog, tables: Tables, steps: int, settings: FitSettings) -> float:
    """Of `steps` steps: some of one pass over the data are counted, the last among them, which is smaller."""
    rng = np.random.default_rng(settings.seed)
    network = Network(len(tables.popularity) - 1, settings.network).train()
    sampler = NegativeSampler(tables.popularity, settings.negatives, rng)
    rows = draw_pass(log, read_kinds(tables.trained_kinds), settings.deletion, settings.kind_dropout, rng)
    *full, last = batches(rows, settings.rows)
    counted = [step_flop(network, some, sampler) for some in full[:COUNTED]]
    of_a_pass = step_flop(network, last, sampler) + len(full) * (np.mean(counted) if full else 0)
    return float(of_a_pass) / (len(full) + 1) * steps


@dataclass
class Rate:
    """GFLOP/s of a matrix product on one core, timed again and again while something else is measured."""

    samples: list[float] = field(default_factory=list)
    wall: float = 0.0  # seconds that the samples took, to be taken off what is measured
    cpu: float = 0.0

    def sample(self) -> None:
        """One more product."""
        if not self.samples:
            self._matrix = torch.rand(SIDE, SIDE)
            self._product = self._matrix @ self._matrix  # warm
        wall, cpu = perf_counter(), process_time()
        torch.mm(self._matrix, self._matrix, out=self._product)
        wall, cpu = perf_counter() - wall, process_time() - cpu
        self.samples.append(2 * SIDE**3 / cpu / 1e9)
        self.wall, self.cpu = self.wall + wall, self.cpu + cpu

    def every(self, share: float) -> Callable[[float], None]:
        """A progress report that samples whenever another `share` of the work is done."""
        due = 0.0

        def report(done: float) -> None:
            nonlocal due
            if done >= due:
                due = done + share
                self.sample()

        return report
