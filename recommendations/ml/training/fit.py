"""One fit of the network: packed rows, shared negatives, a rate that decays to nothing over the planned steps."""

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ..interactions import InteractionLog
from ..sequences import NO_QUERIES, Queries
from .checkpoints import Checkpoint
from .cooccurrence import svd_start
from .fit_state import FitSettings, FitState, Passes
from .loss import NegativeSampler, sampled_softmax
from .network import Network
from .tables import Tables
from .windows import Rows


def fit(
    log: InteractionLog,
    tables: Tables,
    steps: int,
    settings: FitSettings,
    report: Callable[[float], None],
    checkpoint: Checkpoint | None = None,
    start: Callable[[Network, Tables], None] | None = None,
) -> Network:
    """A network fitted on `log` for exactly `steps` steps, in eval mode; the same inputs give the same weights.

    `tables` are counted from the same log; `report(share done)` is called at every step and may raise to cancel. With
    a `checkpoint` the fit goes on from there, if it is this fit's, to the same weights. `start` gives the network its
    first weights; without, they come from an SVD of the tables.
    """
    state = _begin(log, tables, settings)
    if checkpoint is None or not checkpoint.restore(state):
        (start or partial(_svd_start, settings=settings))(state.network, tables)
    sampler = NegativeSampler(tables.popularity, settings.negatives, state.rng)
    network, optimizer = state.network.train(), state.optimizer
    report(state.step / steps)
    for step in range(state.step, steps):
        for group in optimizer.param_groups:
            group["lr"] = settings.rate * (1 - step / steps)
        loss = step_loss(network, state.passes.next_rows(), sampler, log.queries)
        optimizer.zero_grad()
        loss.backward()
        network.item_matrix.grad[0] = 0  # padding stays 0
        optimizer.step()
        state.step = step + 1
        if checkpoint is not None:
            checkpoint.save(state, last=state.step == steps)
        report(state.step / steps)
    return network.eval()


def _begin(log: InteractionLog, tables: Tables, settings: FitSettings) -> FitState:
    torch.manual_seed(settings.seed)
    rng = np.random.default_rng(settings.seed)
    network = Network(len(tables.popularity) - 1, settings.network)
    optimizer = torch.optim.Adam(network.parameters(), lr=settings.rate, fused=True)
    return FitState(network, optimizer, Passes(log, tables.trained_kinds, settings, rng), rng)


def _svd_start(network: Network, tables: Tables, settings: FitSettings) -> None:
    with torch.no_grad():
        network.item_matrix.copy_(torch.from_numpy(svd_start(tables.following, settings.network.width, settings.seed)))
        network.bias.copy_(torch.from_numpy(popularity_bias(tables.popularity)))


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


def popularity_bias(popularity: np.ndarray) -> np.ndarray:
    """The bias (n+1) that a fit starts with: how popular each item is, 0 on average."""
    smoothed = np.log(popularity.astype(np.float64) + 1)
    smoothed -= smoothed[1:].mean()
    smoothed[0] = 0
    return smoothed.astype(np.float32)
