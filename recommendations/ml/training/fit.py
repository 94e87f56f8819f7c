"""One fit of the network: packed rows, shared negatives, a rate that decays to nothing over the planned steps."""

from collections.abc import Callable
from functools import partial

import numpy as np
import torch

from ..interactions import InteractionLog
from .batch import Batch
from .checkpoints import Checkpoint
from .cooccurrence import svd_start
from .fit_state import FitSettings, FitState, Passes
from .helping import told_batch, told_fit
from .learner import Learner
from .loss import NegativeSampler
from .network import Network
from .tables import Tables
from .together import current


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
    first weights; without, they come from an SVD of the tables. The current team's helpers, if it has any, share the
    work of every step.
    """
    team, state = current(), _begin(log, tables, settings)
    network = state.learner.network
    if checkpoint is None or not checkpoint.restore(state):
        (start or partial(_svd_start, settings=settings))(network, tables)
    sampler = NegativeSampler(tables.popularity, settings.negatives, state.rng)
    if team.size > 1:
        team.tell(*told_fit(state.learner))
    report(state.step / steps)
    for step in range(state.step, steps):
        batch = Batch(state.passes.next_rows(), sampler.draw(), settings.rate * (1 - step / steps))
        with team.step():
            team.tell(*told_batch(batch))
            state.learner.learn(batch, team)
        state.step = step + 1
        if checkpoint is not None:
            checkpoint.save(state, last=state.step == steps)
        report(state.step / steps)
    _put_last(network, tables.popularity == 0)
    return network.eval()


def _begin(log: InteractionLog, tables: Tables, settings: FitSettings) -> FitState:
    torch.manual_seed(settings.seed)
    rng = np.random.default_rng(settings.seed)
    learner = Learner.fresh(len(tables.popularity) - 1, settings.network, log.queries)
    return FitState(learner, Passes(log, tables.trained_kinds, settings, rng), rng)


def _svd_start(network: Network, tables: Tables, settings: FitSettings) -> None:
    with torch.no_grad():
        network.item_matrix.copy_(torch.from_numpy(svd_start(tables.following, settings.network.width, settings.seed)))
        network.bias.copy_(torch.from_numpy(popularity_bias(tables.popularity)))


def _put_last(network: Network, unmet: np.ndarray) -> None:
    """What the log never met was no negative either, so nothing is known of it: it gets the lowest bias there is."""
    if not unmet[1:].all():
        with torch.no_grad():
            bias = network.bias[1:]
            bias[torch.from_numpy(unmet[1:])] = bias[torch.from_numpy(~unmet[1:])].min()


def popularity_bias(popularity: np.ndarray) -> np.ndarray:
    """The bias (n+1) that a fit starts with: how popular each item is, 0 on average over those that were met."""
    smoothed = np.log(popularity.astype(np.float64) + 1)
    smoothed -= smoothed[1:].sum() / max(np.count_nonzero(popularity[1:]), 1)
    smoothed[0] = 0
    return smoothed.astype(np.float32)
