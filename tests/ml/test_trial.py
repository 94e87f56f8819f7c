from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.special import logsumexp

from recommendations.ml.metrics import ndcg
from recommendations.ml.splitting import NotEnoughData, hold_out
from recommendations.ml.training import trial
from recommendations.ml.training.judge import Protocol, encode
from recommendations.ml.training.mixing import START
from recommendations.ml.training.network import Network, NetworkSettings
from recommendations.ml.training.tables import build_tables
from recommendations.ml.training.trial import Trial
from tests.ml.made_shop import DAY, noise_shop

N = 40


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return Network(N, NetworkSettings(width=8, feed_forward=16)).eval()


def asked_of(network, takes_met_out):
    log = noise_shop(shoppers=60, n=N)
    tables = build_tables(log.before(12 * DAY), N, 12 * DAY)
    held_out = hold_out(log, 12 * DAY)
    return tables, Protocol("", held_out.new_only() if takes_met_out else held_out, takes_met_out)


def served(network, tables, protocol):
    hidden = encode(network, protocol.asked.histories, tables.trained_kinds)
    return START.score_of(network, tables).score(hidden, protocol.asked.histories)


def unlikely(network, tables, protocol):
    """The mean of -log p of the targets, from the served score of the whole catalog."""
    scores = served(network, tables, protocol)
    if protocol.takes_met_out:
        for row, met in zip(scores, protocol.asked.met, strict=True):
            row[met] = -np.inf
    rows = zip(scores, protocol.asked.targets, strict=True)
    return np.mean([(logsumexp(row) - row[targets]).mean() for row, targets in rows])


def tried(network, tables, protocol):
    """A trial, and the parts of its shoppers' scores."""
    one = Trial(network, tables, protocol)
    return one, one.parts(START.power, START.weights.table_eps, START.weights.repeat_decay)


def loss_of(network, tables, protocol):
    one, parts = tried(network, tables, protocol)
    return one.loss(parts)(START.values())[0]


@pytest.mark.parametrize("takes_met_out", [False, True])
def test_the_loss_is_that_of_the_served_score(network, takes_met_out):
    tables, protocol = asked_of(network, takes_met_out)
    assert loss_of(network, tables, protocol) == pytest.approx(unlikely(network, tables, protocol), rel=1e-4)


def test_a_few_of_the_others_stand_for_all(network, monkeypatch):
    monkeypatch.setattr(trial, "BEST", 3)
    monkeypatch.setattr(trial, "OTHERS", 8)
    monkeypatch.setattr(trial, "CELLS", 200)  # blocks of a few shoppers, each with others of its own
    tables, protocol = asked_of(network, True)
    assert loss_of(network, tables, protocol) == pytest.approx(unlikely(network, tables, protocol), rel=0.02)


@pytest.mark.parametrize("takes_met_out", [False, True])
def test_ndcg_is_that_of_the_judge(network, takes_met_out):
    tables, protocol = asked_of(network, takes_met_out)
    one, parts = tried(network, tables, protocol)
    lists = protocol.lists(served(network, tables, protocol), 10)
    judged = [
        ndcg(ranked, set(right.tolist()), 10) for ranked, right in zip(lists, protocol.asked.targets, strict=True)
    ]
    assert one.ndcg(START.values(), parts) == pytest.approx(judged, abs=1e-6)


def test_shoppers_without_a_target_that_may_be_listed_are_left_out(network):
    tables, protocol = asked_of(network, False)
    barring = Protocol("", protocol.asked, True)  # some of whose targets had been met
    assert barring.asked.repeating() > 0
    assert loss_of(network, tables, barring) == loss_of(network, tables, asked_of(network, True)[1])
    met_all = replace(protocol.asked, met=[np.arange(1, N + 1)] * len(protocol.asked))
    mixed_in = replace(protocol.asked, met=[np.arange(1, N + 1), *protocol.asked.met[1:]])
    assert np.isfinite(loss_of(network, tables, Protocol("", mixed_in, True)))
    with pytest.raises(NotEnoughData, match="none of the 60 shoppers who choose turned to a product"):
        Trial(network, tables, Protocol("", met_all, True))


def test_of_equal_scores_the_wrong_ones_stand_first(network):
    tables, protocol = asked_of(network, False)
    one, parts = tried(network, tables, protocol)
    assert one.ndcg(np.zeros(5), parts).max() < 1e-6
