import numpy as np
import pytest
import torch
from torch.nn import functional as F

from recommendations.ml.training.loss import Negatives, NegativeSampler, _Loss, sampled_softmax


def arrays(n=12, p=7, d=4, seed=0):
    generator = torch.Generator().manual_seed(seed)
    hidden = torch.randn(p, d, generator=generator, requires_grad=True)
    matrix = torch.randn(n + 1, d, generator=generator, requires_grad=True)
    bias = torch.randn(n + 1, generator=generator, requires_grad=True)
    targets = torch.randint(1, n + 1, (p,), generator=generator)
    return hidden, targets, matrix, bias


def sampler(n, count, popularity=None, seed=0):
    popularity = np.ones(n + 1) if popularity is None else popularity
    return NegativeSampler(popularity, count, np.random.default_rng(seed))


def gradients(loss, *tensors):
    return torch.autograd.grad(loss, tensors)


def test_a_small_catalog_gives_the_exact_softmax():
    hidden, targets, matrix, bias = arrays()
    loss = sampled_softmax(hidden, targets, matrix, bias, sampler(12, 100).draw())
    exact = F.cross_entropy(hidden @ matrix[1:].T + bias[1:], targets - 1)
    assert loss.item() == pytest.approx(exact.item(), rel=1e-5)


def test_gradients_equal_those_of_the_exact_softmax():
    hidden, targets, matrix, bias = arrays()
    ours = gradients(sampled_softmax(hidden, targets, matrix, bias, sampler(12, 100).draw()) * 3, hidden, matrix, bias)
    exact = F.cross_entropy(hidden @ matrix[1:].T + bias[1:], targets - 1) * 3
    for found, expected in zip(ours, gradients(exact, hidden, matrix, bias), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)


def test_blocks_of_rows_give_the_same_as_all_at_once(monkeypatch):
    hidden, targets, matrix, bias = arrays(p=9)
    negatives = sampler(12, 100).draw()
    whole = sampled_softmax(hidden, targets, matrix, bias, negatives)
    monkeypatch.setattr(_Loss, "ROWS", 2)
    assert sampled_softmax(hidden, targets, matrix, bias, negatives).item() == pytest.approx(whole.item(), rel=1e-6)


def test_a_target_among_the_negatives_counts_once():
    hidden, matrix, bias = torch.zeros(1, 2), torch.zeros(4, 2), torch.zeros(4)
    negatives = Negatives(torch.tensor([1, 2]), torch.zeros(2), torch.tensor([-1, 0, 1, -1]))
    loss = sampled_softmax(hidden, torch.tensor([1]), matrix, bias, negatives)
    assert loss.item() == pytest.approx(np.log(2))


def test_nothing_is_learned_where_nothing_is_foretold():
    """As when a pass's last row holds shoppers of one event each."""
    hidden, targets, matrix, bias = arrays(p=0)
    loss = sampled_softmax(hidden, targets, matrix, bias, sampler(12, 100).draw())
    assert loss.item() == 0
    assert not any(gradient.any() for gradient in gradients(loss, matrix, bias))


def test_sampled_negatives_stand_for_the_whole_catalog():
    n = 400
    hidden, targets, matrix, bias = arrays(n=n, p=50, d=4, seed=2)
    popularity = np.random.default_rng(0).integers(1, 50, n + 1).astype(np.float32)
    draws = sampler(n, 100, popularity)
    with torch.no_grad():
        exact = F.cross_entropy(hidden @ matrix[1:].T * 0.3 + bias[1:] * 0.3, targets - 1)
        sampled = np.mean(
            [sampled_softmax(hidden * 0.3, targets, matrix, bias * 0.3, draws.draw()).item() for _ in range(200)]
        )
    assert sampled == pytest.approx(exact.item(), rel=0.02)


def test_half_of_the_negatives_follow_popularity():
    popularity = np.ones(1001, np.float32)
    popularity[7] = 10_000
    negatives = sampler(1000, 100, popularity).draw()
    assert 7 in negatives.items.tolist()
    assert len(negatives.items) == len(set(negatives.items.tolist())) > 40
    assert negatives.items.min() >= 1
    assert all(negatives.column[item] == place for place, item in enumerate(negatives.items.tolist()))
