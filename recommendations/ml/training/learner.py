"""What makes a fit's steps: the network, its optimiser, and one batch after another."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ..sequences import NO_QUERIES, Queries
from .loss import Negatives, sampled_softmax
from .network import Network, NetworkSettings
from .together import Team
from .windows import Rows


@dataclass(frozen=True, eq=False)
class Batch:
    """What a step learns from."""

    rows: Rows
    negatives: Negatives
    rate: float

    def met(self, queries: Queries) -> np.ndarray:
        """The numbers of the products whose vectors the step changes, ascending."""
        met = np.zeros(len(self.negatives.column), bool)
        searched = queries.among(self.rows.items)
        for items in (self.rows.items[~searched], self.rows.targets, self.negatives.items.numpy()):
            met[items] = True
        for number in np.unique(self.rows.items[searched]).tolist():
            met[queries.bag(number).items] = True
        met[0] = False
        return np.flatnonzero(met)


@dataclass(eq=False)
class Learner:
    """A network between two steps; in each process of a team the same."""

    network: Network
    optimizer: torch.optim.Optimizer
    queries: Queries = NO_QUERIES

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
        part = team.part(len(batch.rows))
        self.network.encoder.drop.part = (part.start, len(batch.rows))
        for group in self.optimizer.param_groups:
            group["lr"] = batch.rate
        targets = int(np.count_nonzero(batch.rows.targets))
        loss = step_loss(self.network, batch.rows.take(part), batch.negatives, self.queries, targets)
        self.optimizer.zero_grad()
        loss.backward()
        self.network.item_matrix.grad[0] = 0  # padding stays 0
        if team.size > 1:
            self._add_up(batch, team)
        self.optimizer.step()

    def _add_up(self, batch: Batch, team: Team) -> None:
        """Of the products only those that somebody met: the others' gradients are 0, and a catalog is large."""
        met = torch.from_numpy(batch.met(self.queries))
        tables = [self.network.item_matrix.grad, self.network.bias.grad]
        small = [parameter.grad for parameter in self.network.encoder.parameters()]
        parts = [*(table[met] for table in tables), *small]
        sums = torch.cat([part.flatten() for part in parts])
        team.add_up(sums)
        found = [sum_.view_as(part) for sum_, part in zip(sums.split([p.numel() for p in parts]), parts, strict=True)]
        for table, sum_ in zip(tables, found[:2], strict=True):
            table[met] = sum_
        for gradient, sum_ in zip(small, found[2:], strict=True):
            gradient.copy_(sum_)

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
    network: Network, rows: Rows, negatives: Negatives, queries: Queries = NO_QUERIES, count: int | None = None
) -> Tensor:
    """The sum of the losses of the rows' targets over `count`, by default their number: then the mean."""
    items, kinds = torch.from_numpy(rows.items).long(), torch.from_numpy(rows.kinds).long()
    seen = look_back(torch.from_numpy(rows.windows))
    hidden = network(items, kinds, torch.from_numpy(rows.positions), seen, queries)
    targets = torch.from_numpy(rows.targets).long().flatten()
    asked = torch.nonzero(targets)[:, 0]
    hidden = F.embedding(asked, hidden.flatten(0, 1))  # (P, d)
    return sampled_softmax(hidden, targets[asked], network.item_matrix, network.bias, negatives, count)


def look_back(windows: Tensor) -> Tensor:
    """(R, 1, T, T): 0 where a token may look (itself and earlier tokens of its window), -1e9 elsewhere."""
    order = torch.arange(windows.shape[1])
    allowed = (windows[:, :, None] == windows[:, None, :]) & (order[:, None] >= order[None, :])
    return torch.where(allowed, 0.0, -1e9)[:, None]
