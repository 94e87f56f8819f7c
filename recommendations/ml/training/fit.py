"""One fit of the network: packed rows, shared negatives, a rate that decays to nothing over the planned steps."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ..interactions import InteractionLog
from ..sequences import NO_QUERIES, Queries
from .cooccurrence import svd_start
from .loss import NegativeSampler, sampled_softmax
from .network import Network, NetworkSettings
from .tables import Tables
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


def fit(
    log: InteractionLog, tables: Tables, steps: int, settings: FitSettings, report: Callable[[float], None]
) -> Network:
    """A network fitted on `log` for exactly `steps` steps, in eval mode; the same inputs give the same weights.

    `tables` are counted from the same log; `report(share done)` is called at every step and may raise to cancel.
    """
    torch.manual_seed(settings.seed)
    rng = np.random.default_rng(settings.seed)
    network = Network(len(tables.popularity) - 1, settings.network)
    with torch.no_grad():
        network.item_matrix.copy_(torch.from_numpy(svd_start(tables.following, settings.network.width, settings.seed)))
        network.bias.copy_(torch.from_numpy(_popularity_bias(tables.popularity)))
    sampler = NegativeSampler(tables.popularity, settings.negatives, rng)
    optimizer = torch.optim.Adam(network.parameters(), lr=settings.rate, fused=True)
    network.train()
    report(0.0)
    for step, rows in zip(range(steps), _endless(log, tables, settings, rng), strict=False):
        for group in optimizer.param_groups:
            group["lr"] = settings.rate * (1 - step / steps)
        loss = step_loss(network, rows, sampler, log.queries)
        optimizer.zero_grad()
        loss.backward()
        network.item_matrix.grad[0] = 0  # padding stays 0
        optimizer.step()
        report((step + 1) / steps)
    return network.eval()


def step_loss(network: Network, rows: Rows, sampler: NegativeSampler, queries: Queries = NO_QUERIES) -> Tensor:
    """The loss of the rows' targets."""
    items, kinds = torch.from_numpy(rows.items).long(), torch.from_numpy(rows.kinds).long()
    seen = look_back(torch.from_numpy(rows.windows))
    hidden = network(items, kinds, torch.from_numpy(rows.positions), seen, queries)
    targets = torch.from_numpy(rows.targets).long().flatten()
    asked = torch.nonzero(targets)[:, 0]
    hidden = F.embedding(asked, hidden.flatten(0, 1))  # (P, d)
    return sampled_softmax(hidden, targets[asked], network.item_matrix, network.bias, sampler.draw())


def look_back(windows: Tensor) -> Tensor:
    """(R, 1, T, T): 0 where a token may look (itself and earlier tokens of its window), -1e9 elsewhere."""
    order = torch.arange(windows.shape[1])
    allowed = (windows[:, :, None] == windows[:, None, :]) & (order[:, None] >= order[None, :])
    return torch.where(allowed, 0.0, -1e9)[:, None]


def _endless(log: InteractionLog, tables: Tables, settings: FitSettings, rng: np.random.Generator) -> Iterator[Rows]:
    as_read = read_kinds(tables.trained_kinds)
    while True:
        yield from batches(draw_pass(log, as_read, settings.deletion, settings.kind_dropout, rng), settings.rows)


def _popularity_bias(popularity: np.ndarray) -> np.ndarray:
    smoothed = np.log(popularity.astype(np.float64) + 1)
    smoothed -= smoothed[1:].mean()
    smoothed[0] = 0
    return smoothed.astype(np.float32)
