"""Where a warm fit starts, and when it must not be warm."""

from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from scipy import sparse

from recommendations.ml.kept_fits import Before, KeptFit, KeptFits
from recommendations.ml.splitting import hold_out
from recommendations.ml.training.fit import FitSettings, fit, popularity_bias
from recommendations.ml.training.mixing import START
from recommendations.ml.training.network import Network, NetworkSettings
from recommendations.ml.training.settings import Plan, TrainingSettings, warm_plan
from recommendations.ml.training.tables import build_tables
from recommendations.ml.training.warm_start import (
    Carried,
    Start,
    among_neighbours,
    carry,
)
from recommendations.ml.vocabulary import Vocabulary
from tests.ml.made_shop import DAY, chain_shop, vocabulary_of

N = 40
SETTINGS = FitSettings(network=NetworkSettings(width=8, feed_forward=16, dropout=0.1), rate=1e-2)
COLD = Plan(100, SETTINGS)
LOG = chain_shop(shoppers=60)  # an event a day and shopper, 14 days
SEEN = LOG.before(12 * DAY)  # 720 rows
PAST = LOG.before(13 * DAY)  # 60 rows more


def weights_of(items, seed=3):
    torch.manual_seed(seed)
    network = Network(items, SETTINGS.network)
    with torch.no_grad():
        network.bias[1:] = torch.arange(1.0, items + 1)
    return {name: tensor.numpy().copy() for name, tensor in network.state_dict().items()}


def kept_fits(vocabulary=None, until=12 * DAY, interactions=720, **changes):
    """Of version 5, random weights, the judged ones as if fitted on SEEN, the final ones on PAST."""
    vocabulary = vocabulary or vocabulary_of(N)
    judged = KeptFit(weights_of(len(vocabulary)), until, interactions)
    final = KeptFit(weights_of(len(vocabulary), seed=4), 13 * DAY, len(PAST))
    mix = asdict(replace(START, recent=0.5))
    return replace(KeptFits(5, vocabulary, asdict(SETTINGS.network), judged, final, mix, warm_starts=0), **changes)


def carried(fits=None):
    return Carried.over(fits or kept_fits(), LOG, vocabulary_of(N), 13 * DAY)


def chosen(fits=None, cold=COLD, why_cold=""):
    return Start.choose(cold, carried(fits), why_cold, PAST, in_a_row=6)


def test_of_what_stands_near_an_item_the_mean_direction_at_the_mean_length():
    following = np.zeros((5, 5), np.float32)
    following[4, 1], following[2, 4] = 1, 1  # 4 came before 1 and after 2
    following[3, 3] = 0
    vectors = np.array([[0, 0], [3, 0], [0, 5], [7, 7], [0, 0]], np.float32)
    found = among_neighbours(sparse.csr_array(following), vectors, np.array([4, 3]))
    direction = np.array([3, 5]) / 34**0.5
    assert found == pytest.approx(np.array([4 * direction, [0, 0]]), abs=1e-5)


def test_neighbours_without_a_vector_do_not_count():
    following = np.zeros((4, 4), np.float32)
    following[3, 1], following[3, 2] = 1, 9
    vectors = np.array([[0, 0], [2, 0], [0, 0], [0, 0]], np.float32)
    assert among_neighbours(sparse.csr_array(following), vectors, np.array([3])).tolist() == [[2, 0]]


def test_known_products_start_with_their_vectors_whatever_their_numbers_are_now():
    before = kept_fits(Vocabulary([f"p{k}" for k in range(N, 0, -1)]))  # p1 was item 40
    network, _ = started(carried(before))
    assert torch.equal(network.item_matrix[1], torch.from_numpy(before.judged.weights["item_matrix"][40]))
    assert network.bias[1] == before.judged.weights["bias"][40] == 40
    assert torch.equal(network.encoder.positions, torch.from_numpy(before.judged.weights["encoder.positions"]))
    assert (network.item_matrix[0] == 0).all()


def started(found):
    """(a fresh network that was given its first weights, what PAST counts)."""
    network, tables = Network(N, SETTINGS.network), build_tables(PAST, N, 13 * DAY)
    found.judged_start()(network, tables)
    return network, tables


def test_a_new_product_starts_among_those_it_is_met_with():
    before = kept_fits(Vocabulary([f"p{k}" for k in range(1, N)]))  # p40 was not there
    found = carried(before)
    assert not found.judged_start().known[N]
    assert found.judged.item_matrix[N].abs().sum() == 0
    network, tables = started(found)
    vectors = np.concatenate((before.judged.weights["item_matrix"], np.zeros((1, 8), np.float32)))
    expected = among_neighbours(tables.following, vectors, np.array([N]))[0]
    assert network.item_matrix[N].detach().numpy() == pytest.approx(expected)
    assert network.bias[N].item() == pytest.approx(popularity_bias(tables.popularity)[N])


def test_a_product_that_the_fit_had_only_heard_of_is_new():
    log = type(LOG)(LOG.shopper, LOG.item.copy(), LOG.kind, LOG.time)
    log.item[(log.item == 7) & (log.time < 12 * DAY)] = 8
    assert not Carried.over(kept_fits(), log, vocabulary_of(N), 13 * DAY).judged_start().known[7]


def test_a_fit_from_a_warm_start_repeats_exactly():
    tables = build_tables(PAST, N, 13 * DAY)
    start = carried().judged_start()
    first, second = (fit(PAST, tables, 3, SETTINGS, lambda share: None, start=start) for _ in range(2))
    cold = fit(PAST, tables, 3, SETTINGS, lambda share: None)
    assert torch.equal(first.item_matrix, second.item_matrix)
    assert not torch.allclose(first.item_matrix, cold.item_matrix, atol=0.1)


def test_steps_follow_the_share_of_new_rows():
    assert carried().fits.judged.new_share(PAST) == pytest.approx(60 / 780)
    found = chosen()
    assert found.plan.steps == 31  # 100 x 4 x 60 / 780
    assert found.plan.fit == replace(SETTINGS, rate=5e-3)
    assert found.told == {"version": 5, "new": 0.0769, "warm_starts": 1}
    assert [warm_plan(COLD, new).steps for new in (0, 0.05, 0.1, 0.2, 0.9)] == [5, 20, 40, 80, 100]


def test_it_is_off_unless_asked_for():
    found = Start.choose(COLD, carried(), "", PAST, TrainingSettings().warm_starts)
    assert found.weights is None
    assert found.told == {"cold": "warm starts are off (warm_starts is 0)", "warm_starts": 0}


def test_earlier_rows_that_came_in_since_are_new_too():
    assert kept_fits(interactions=500).judged.new_share(PAST) == pytest.approx(280 / 780)


def test_the_final_fit_starts_from_the_final_one_before_where_the_judged_one_was_warm():
    found = chosen().of_all(COLD, carried(), LOG)
    assert found.plan.steps == 29  # 100 x 4 x 60 / 840
    final = kept_fits().final.weights["item_matrix"]
    assert torch.equal(found.weights.network.item_matrix, torch.from_numpy(final))
    again = Start(COLD).of_all(COLD, carried(), LOG)
    assert (again.plan, again.weights) == (COLD, None)


@pytest.mark.parametrize(
    ("fits", "cold", "why"),
    [
        (kept_fits(interactions=500), COLD, "36% of the interactions are new since version 5, more than 15%"),
        (kept_fits(warm_starts=6), COLD, "6 trainings in a row started from the one before, at most 6 may"),
        (kept_fits(), Plan(9, replace(SETTINGS, network=NetworkSettings(width=16))), "version 5 has another network"),
    ],
)
def test_reasons_to_start_cold(fits, cold, why):
    found = chosen(fits, cold)
    assert found.told["cold"].startswith(why)
    assert found.told["warm_starts"] == 0
    assert (found.plan, found.weights, found.arrays()) == (cold, None, [])


def test_another_dropout_is_no_other_network():
    cold = Plan(100, replace(SETTINGS, network=replace(SETTINGS.network, dropout=0.5)))
    assert "cold" not in chosen(cold=cold).told


def test_a_fit_that_may_not_be_started_from_is_compared_with_all_the_same():
    found, why = carry(Before(kept_fits(), "version 6 was rejected"), LOG, vocabulary_of(N), 13 * DAY)
    assert found is not None
    assert Start.choose(COLD, found, why, PAST, 6).told["cold"] == "version 6 was rejected"


def broken(fits):
    weights = dict(fits.final.weights)
    del weights["encoder.positions"]
    return replace(fits, final=replace(fits.final, weights=weights))


@pytest.mark.parametrize(
    ("fits", "why"),
    [
        (kept_fits(until=13 * DAY + 1), "version 5 was fitted on interactions that judge this one"),
        (kept_fits(until=0), "nothing is left of what version 5 was fitted on"),
        (broken(kept_fits()), "the network of version 5 does not fit: "),
        (kept_fits(network={"breadth": 8}), "the network of version 5 does not fit: "),
        (kept_fits(mix=asdict(replace(START, power=0.3))), "the mix of version 5 does not fit: 0.3"),
        (kept_fits(mix={"weights": {"luck": 1.0}}), "the mix of version 5 does not fit: "),
    ],
)
def test_what_can_not_even_be_compared_with(fits, why):
    found, told = carry(Before(fits, ""), LOG, vocabulary_of(N), 13 * DAY)
    assert found is None
    assert told.startswith(why)
    assert Start.choose(COLD, found, told, PAST, 6).told == {"cold": told, "warm_starts": 0}


def test_nothing_before():
    assert carry(Before(), LOG, vocabulary_of(N), 13 * DAY) == (None, "no version had been published before")


def test_the_current_version_is_scored_with_what_it_knew():
    """Shuffle what came after its cutoff: its scores stay the same, and what it never knew has the lowest bias."""
    before = kept_fits(Vocabulary([f"p{k}" for k in range(1, N)]))
    asked = hold_out(SEEN, 11 * DAY)  # histories that both logs share
    changed = LOG.item.copy()
    later = np.flatnonzero(LOG.time >= 12 * DAY)
    changed[later] = np.random.default_rng(0).permutation(changed[later])
    assert (changed != LOG.item).any()
    other = type(LOG).from_rows(LOG.shopper, changed, LOG.kind, LOG.time)
    ours, theirs = (Carried.over(before, log, vocabulary_of(N), 13 * DAY).scores(asked) for log in (LOG, other))
    assert ours.tobytes() == theirs.tobytes()
    assert carried(before).judged.bias[N] == 1  # the lowest
