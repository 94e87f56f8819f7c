"""The explainers that ours is compared with, each beside another way to compute it."""

from itertools import combinations, permutations
from math import exp, factorial
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from benchmarks import explainers
from benchmarks.public_shops import Fitted
from recommendations.ml.kinds import Kind
from recommendations.ml.lists_without import ListsWithout
from recommendations.ml.plain import PlainScorer
from recommendations.ml.ranking import MixWeights, NextItemTable, Score
from recommendations.ml.scorer import Scorer
from recommendations.ml.sequences import History, tokens
from recommendations.ml.training.export import write_artifact
from recommendations.ml.training.network import Network, NetworkSettings
from recommendations.ml.training.settings import TrainingSettings
from recommendations.ml.training.tables import Tables
from recommendations.ml.vocabulary import Vocabulary

PRODUCTS = 60


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """A network by chance, and a table in which each product is followed by the next one."""
    torch.manual_seed(0)
    network = Network(PRODUCTS, NetworkSettings(width=16)).eval()
    after = np.arange(PRODUCTS + 2).clip(1) - 1
    table = NextItemTable(after, after[2:].astype(np.int32) % PRODUCTS + 1, np.ones(PRODUCTS, np.float32))
    bias = np.zeros(PRODUCTS + 1, np.float32)
    score = Score(network.item_matrix.detach().numpy(), bias, table, MixWeights(0.5, 0.1, 1.0, 0.9))
    tables = Tables(bias + 1, bias + 1, None, {0.0: table}, (Kind.PURCHASE,))
    names = Vocabulary([str(item) for item in range(1, PRODUCTS + 1)])
    directory = tmp_path_factory.mktemp("fitted")
    write_artifact(directory, network, score, tables, names, TrainingSettings())
    return Fitted(network, Scorer.open(directory), bias + 1, (int(Kind.PURCHASE),))


@pytest.fixture
def shown(fitted):
    """The first five products for a history of four, one of them met twice."""
    history = History.of([5, 9, 5, 17, 40], [Kind.PURCHASE] * 5)
    return ListsWithout(fitted.scorer, history, fitted.popularity, 5)


def test_attention_is_what_plain_numpy_says(fitted, shown):
    plain = PlainScorer.open(fitted.scorer.directory, fitted.scorer.vocabulary)
    looked, items = plain.attention(shown.history)[-1].mean(axis=0), tokens(shown.history)[0]
    expected = [looked[items == unit].sum() for unit in shown.units]
    for weights in explainers.top_attention(fitted, shown, None).T:
        assert weights == pytest.approx(expected, abs=1e-5)


def test_gradient_times_input_is_what_a_longer_vector_changes(fitted, shown):
    items, kinds = tokens(shown.history)
    vectors, read = explainers._inputs(fitted, items, kinds)

    def logits(unit, longer):
        scale = torch.from_numpy(np.where(items == unit, 1 + longer, 1.0)).float()
        with torch.no_grad():
            hidden = fitted.network.encoder(vectors * scale[None, :, None], read, torch.tensor([len(items)]))[0]
            return (fitted.network.item_matrix[shown.shown] @ hidden).double().numpy()

    slopes = np.stack([(logits(unit, 0.01) - logits(unit, -0.01)) / 0.02 for unit in shown.units])
    found = explainers.gradient_times_input(fitted, shown, None)
    assert found == pytest.approx(slopes, abs=0.02 * np.abs(slopes).max())


def test_shapley_over_all_orders_is_the_sum_over_all_sets(fitted, shown, monkeypatch):
    units, every = shown.units, permutations(shown.units)
    m = len(units)
    monkeypatch.setattr(explainers, "PERMUTATIONS", factorial(m))
    all_orders = SimpleNamespace(permutation=lambda _: np.array(next(every)))
    found = explainers.shapley(fitted, shown, all_orders) / factorial(m)
    for row, unit in enumerate(units):
        others = [other for other in units if other != unit]
        value = sum(
            (shown.log_shares(frozenset(gone)) - shown.log_shares(frozenset({*gone, unit})))
            * (factorial(size) * factorial(m - 1 - size) / factorial(m))
            for size in range(m - 1)  # the last one always stays
            for gone in combinations(others, size)
        )
        assert found[row] == pytest.approx(value, abs=1e-6)


def test_a_beam_as_wide_as_all_orders_finds_the_best(shown, monkeypatch):
    monkeypatch.setattr(explainers, "BEAM", factorial(len(shown.units)))
    for place, order in enumerate(explainers.beam_orders(shown)):
        assert sorted(order) == sorted(shown.units)
        best = min(left_of(shown.of(place), other) for other in permutations(shown.units))
        assert left_of(shown.of(place), order) == pytest.approx(best)


def left_of(without, order):
    """p, summed over the steps of an order."""
    return sum(exp(without(frozenset(order[:k])).log_share) for k in range(1, len(order)))
