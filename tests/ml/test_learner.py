"""A step touches what it meets alone, and is yet the step over the whole catalog, bit for bit."""

import numpy as np
import pytest
import torch

from recommendations.ml.sequences import NO_QUERIES
from recommendations.ml.training.batch import Batch
from recommendations.ml.training.fit_state import Passes
from recommendations.ml.training.learner import Learner, step_loss
from recommendations.ml.training.loss import NegativeSampler
from recommendations.ml.training.together import Team
from tests.ml.fits_together import SETTINGS, N, searched_shop
from tests.ml.made_shop import chain_shop

POPULARITY = np.ones(N + 1, np.float32)
SHOPS = {"searches": searched_shop, "no searches": lambda: chain_shop(shoppers=60, n=30)}


def some_batches(log, rows, negatives=8):
    rng = np.random.default_rng(0)
    passes, sampler = Passes(log, (1, 6), SETTINGS, rng), NegativeSampler(POPULARITY, negatives, rng)
    return [Batch(passes.next_rows().take(slice(0, rows)), sampler.draw(), 0.01 / k) for k in range(1, 5)]


@pytest.fixture(params=SHOPS)
def log(request):
    return SHOPS[request.param]()


@pytest.mark.parametrize("negatives", [8, 1024])
def test_steps_are_those_over_the_whole_catalog(log, negatives):
    torch.manual_seed(0)
    ours = Learner.fresh(N, SETTINGS.network, log.queries)
    torch.manual_seed(0)
    dense = Learner.fresh(N, SETTINGS.network, log.queries)
    for batch in some_batches(log, 1, negatives):
        ours.learn(batch, Team())
        learn_densely(dense, batch)
    for (name, found), expected in zip(
        ours.network.state_dict().items(), dense.network.state_dict().values(), strict=True
    ):
        assert torch.equal(found, expected), name


def learn_densely(learner, batch):
    network = learner.network
    for group in learner.optimizer.param_groups:
        group["lr"] = batch.rate
    loss = step_loss(network, network.item_matrix, network.bias, batch.rows, batch.negatives, learner.queries)
    learner.optimizer.zero_grad()
    loss.backward()
    network.item_matrix.grad[0] = 0
    learner.optimizer.step()


def test_products_that_nobody_met_have_no_gradient(log):
    learner = Learner.fresh(N, SETTINGS.network, log.queries)
    for batch in some_batches(log, 1):
        learner.learn(batch, Team())
        met = batch.renumbered(log.queries)[0]
        assert len(met) < N
        for table in (learner.network.item_matrix, learner.network.bias):
            changed = table.grad.reshape(N + 1, -1).any(1).nonzero().flatten().tolist()
            assert changed
            assert set(changed) <= set(met.tolist()) - {0}


def test_places_stand_for_the_same_products_and_searches(log):
    (batch, *_), queries = some_batches(log, 3), log.queries
    met, own, own_queries = batch.renumbered(queries)
    assert met.tolist() == sorted(set(met.tolist()))
    assert met[0] == 0
    for name in ("kinds", "positions", "windows"):
        assert getattr(own.rows, name) is getattr(batch.rows, name)
    assert np.array_equal(met[own.rows.targets], batch.rows.targets)
    assert np.array_equal(met[own.negatives.items], batch.negatives.items)
    assert torch.equal(own.negatives.column[own.rows.targets], batch.negatives.column[batch.rows.targets])
    for ours, theirs in zip(own.rows.items.ravel().tolist(), batch.rows.items.ravel().tolist(), strict=True):
        if queries.holds(theirs):
            assert met[own_queries.bag(ours).items].tolist() == queries.bag(theirs).items.tolist()
            assert own_queries.bag(ours).weights is queries.bag(theirs).weights
        else:
            assert met[ours] == theirs


def test_a_batch_without_searches_has_none_of_its_own():
    (batch, *_) = some_batches(chain_shop(shoppers=60), 3)
    assert len(batch.renumbered(NO_QUERIES)[2].bags) == 0
