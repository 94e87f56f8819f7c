"""What makes a fit's steps: the network, its optimiser, and one batch after another."""

from dataclasses import dataclass, field
from typing import Self

import numpy as np
import torch
from torch import Tensor
from torch.func import functional_call
from torch.nn import functional as F

from ..sequences import NO_QUERIES, Queries
from .batch import Batch
from .loss import Negatives, sampled_softmax
from .network import Network, NetworkSettings
from .together import Team
from .windows import Rows


@dataclass(eq=False)
class Learner:
    """A network between two steps; in each process of a team the same."""

    network: Network
    optimizer: torch.optim.Optimizer
    queries: Queries = NO_QUERIES
    _met: Tensor = field(default_factory=lambda: torch.zeros(0, dtype=torch.int64))  # in the step before

    @classmethod
    def fresh(cls, items: int, settings: NetworkSettings, queries: Queries = NO_QUERIES) -> Self:
        """One that has learned nothing, in training mode.

        It goes on with torch's random numbers by itself: whoever else draws some meanwhile changes nothing.
        """
        network = Network(items, settings).train()
        network.encoder.drop.random = torch.Generator().set_state(torch.get_rng_state())
        return cls(network, torch.optim.Adam(network.parameters(), fused=True), queries)

    def learn(self, batch: Batch, team: Team) -> None:
        """One step on the batch, of which each process of the team takes a part."""
        met, own, queries = batch.renumbered(self.queries)
        met, part = torch.from_numpy(met), team.part(len(own.rows))
        self.network.encoder.drop.part = (part.start, len(own.rows))
        tables = [table.detach()[met].requires_grad_() for table in self._tables()]
        targets = int(np.count_nonzero(own.rows.targets))
        loss = step_loss(self.network, *tables, own.rows.take(part), own.negatives, queries, targets)
        self.network.encoder.zero_grad()
        loss.backward()
        gradients = [table.grad for table in tables]
        team.add_up([*gradients, *(parameter.grad for parameter in self.network.encoder.parameters())])
        self._take(met, gradients)
        for group in self.optimizer.param_groups:
            group["lr"] = batch.rate
        self.optimizer.step()

    def _tables(self) -> list[Tensor]:
        return [self.network.item_matrix, self.network.bias]

    def _take(self, met: Tensor, gradients: list[Tensor]) -> None:
        """The gradients of the products met; the others' are 0. Nothing here takes time with the catalog."""
        for table, gradient in zip(self._tables(), gradients, strict=True):
            if table.grad is None:
                table.grad = torch.zeros_like(table)
            table.grad[self._met] = 0
            table.grad[met] = gradient
        self.network.item_matrix.grad[0] = 0  # padding stays 0
        self._met = met

    def stored(self) -> tuple[dict[str, np.ndarray], dict]:
        """(arrays, numbers) from which restore() makes the same learner, with its random numbers."""
        arrays = {f"network.{name}": tensor.numpy() for name, tensor in self.network.state_dict().items()}
        for parameter, values in self.optimizer.state_dict()["state"].items():
            arrays |= {f"optimizer.{parameter}.{name}": tensor.numpy() for name, tensor in values.items()}
        drop = self.network.encoder.drop
        arrays |= {"torch": drop.random.get_state().numpy(), "dropout": np.packbits(drop._pool.numpy() > 0)}
        return arrays, {"dropout_pool": len(drop._pool), "dropout_left": drop._windows_left}

    def restore(self, arrays: dict[str, np.ndarray], numbers: dict) -> None:
        """Become the learner that was stored()."""
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
        drop.random.set_state(tensors["torch"])


def step_loss(
    network: Network,
    vectors: Tensor,
    biases: Tensor,
    rows: Rows,
    negatives: Negatives,
    queries: Queries = NO_QUERIES,
    count: int | None = None,
) -> Tensor:
    """The sum of the losses of the rows' targets over `count`, by default their number: then the mean.

    Numbers are places in `vectors` (m, d) and `biases` (m).
    """
    items, kinds = torch.from_numpy(rows.items).long(), torch.from_numpy(rows.kinds).long()
    seen = look_back(torch.from_numpy(rows.windows))
    read = (items, kinds, torch.from_numpy(rows.positions), seen, queries)
    hidden = functional_call(network, {"item_matrix": vectors, "bias": biases}, read)
    targets = torch.from_numpy(rows.targets).long().flatten()
    asked = torch.nonzero(targets)[:, 0]
    hidden = F.embedding(asked, hidden.flatten(0, 1))  # (P, d)
    return sampled_softmax(hidden, targets[asked], vectors, biases, negatives, count)


def look_back(windows: Tensor) -> Tensor:
    """(R, 1, T, T): 0 where a token may look (itself and earlier tokens of its window), -1e9 elsewhere."""
    order = torch.arange(windows.shape[1])
    allowed = (windows[:, :, None] == windows[:, None, :]) & (order[:, None] >= order[None, :])
    return torch.where(allowed, 0.0, -1e9)[:, None]
