from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from recommendations.ml.interactions import InteractionLog
from recommendations.ml.kinds import Kind
from recommendations.ml.ranking import FAR, NEAR, NextItemTable
from recommendations.ml.sequences import REPEAT_WINDOW, History
from recommendations.ml.splitting import hold_out
from recommendations.ml.text import build_index
from recommendations.ml.training import mixing
from recommendations.ml.training.judge import Protocol, protocols
from recommendations.ml.training.mixing import LEAST, REPEAT_OF_FEW, START, Mix, MixSearch, _parts
from recommendations.ml.training.network import Network, NetworkSettings
from recommendations.ml.training.tables import TABLE_POWERS, build_tables
from recommendations.ml.training.trial import FAR_POWER, REPEAT_DECAY, Trial
from tests.ml.made_shop import DAY, chain_shop, noise_shop

N = 40


@pytest.fixture(scope="module")
def blank():
    """A network that knows nothing."""
    torch.manual_seed(0)
    network = Network(N, NetworkSettings(width=8, feed_forward=16)).eval()
    with torch.no_grad():
        network.item_matrix.zero_()
    return network


def search_of(network, log, cutoff):
    tables = build_tables(log.before(cutoff), N, cutoff)
    asked, _ = protocols(hold_out(log, cutoff), 10)
    return MixSearch(network, tables, asked)


def faithful_shop():
    """Shoppers who buy their own three products again and again."""
    rng = np.random.default_rng(0)
    own = np.stack([rng.choice(N, 3, replace=False) + 1 for _ in range(60)])
    items = np.concatenate([rng.permuted(own, axis=1) for _ in range(5)], axis=1)
    shopper, time = np.repeat(np.arange(60), 15), np.tile(np.arange(15) * DAY, 60)
    return InteractionLog.from_rows(shopper, items.ravel(), np.full(items.size, Kind.PURCHASE), time)


def test_the_table_is_used_where_it_knows_more_than_the_network(blank):
    mix = search_of(blank, chain_shop(), 12 * DAY).best(lambda share: None)
    assert mix.weights.table > 0


def test_repeats_are_used_where_shoppers_are_faithful(blank):
    mix = search_of(blank, faithful_shop(), 12 * DAY).best(lambda share: None)
    assert mix.weights.repeat + mix.weights.bought > 0


def favourites_shop(shoppers=400, n=N, kinds=10, favourites=6):
    """Shoppers who go to and fro between some kinds: the last products say little, all that they met does."""
    rng = np.random.default_rng(0)
    own = np.stack([rng.choice(kinds, favourites, replace=False) for _ in range(shoppers)])
    kind = own[np.arange(shoppers)[:, None], rng.integers(0, favourites, (shoppers, 30))]
    items = kind * (n // kinds) + rng.integers(0, n // kinds, (shoppers, 30)) + 1
    shopper, time = np.repeat(np.arange(shoppers), 30), np.tile(np.arange(30) * DAY, shoppers)
    return InteractionLog.from_rows(shopper, items.ravel(), np.full(items.size, Kind.VIEW), time)


def one_after_another(shoppers=200, events=14):
    """Whoever met k goes on to k + 1: the last product says it all."""
    starts = np.random.default_rng(0).integers(0, N, shoppers)
    items = (starts[:, None] + np.arange(events)) % N + 1
    shopper, time = np.repeat(np.arange(shoppers), events), np.tile(np.arange(events) * DAY, shoppers)
    return InteractionLog.from_rows(shopper, items.ravel(), np.full(items.size, Kind.VIEW), time)


def test_the_table_reads_all_of_the_history_where_that_surely_gains(blank):
    far = search_of(blank, favourites_shop(), 27 * DAY).best(lambda share: None)
    assert far.weights.reach == FAR
    near = search_of(blank, one_after_another(), 12 * DAY).best(lambda share: None)
    assert near.weights.reach == NEAR


def test_the_table_alone_reads_as_far_as_does_it_good_whatever_the_mix_does(blank):
    assert search_of(blank, favourites_shop(), 27 * DAY).best_table() == (FAR_POWER, FAR)
    assert search_of(blank, one_after_another(), 12 * DAY).best_table()[1] == NEAR


def test_decays_of_repeats_are_tried_only_where_somebody_repeats(blank):
    assert len(search_of(blank, faithful_shop(), 12 * DAY)._decays(START)) == len(REPEAT_DECAY)
    log = noise_shop(shoppers=60, n=N)
    new = Protocol("new_products", hold_out(log, 12 * DAY).new_only(), True)
    assert MixSearch(blank, build_tables(log.before(12 * DAY), N, 12 * DAY), [new])._decays(START) == [START]


def branded_shop(n=N, brands=8, seed=0):
    """Shoppers who stay with one brand (item k has brand k % brands), and are asked for a product they never met."""
    rng = np.random.default_rng(seed)
    own = rng.integers(0, brands, 150)
    items = np.stack([rng.permutation(np.arange(1, n + 1)[np.arange(1, n + 1) % brands == b])[:5] for b in own])
    shopper, time = np.repeat(np.arange(len(own)), 5), np.tile(np.arange(5) * 4 * DAY, len(own))
    return InteractionLog.from_rows(shopper, items.ravel(), np.full(items.size, Kind.PURCHASE), time)


def asked_of_what_was_met(network, log, cutoff=12 * DAY):
    """A search by new products alone that may look at the same shoppers' repeats."""
    held_out = hold_out(log, cutoff)
    new = Protocol("new_products", held_out.new_only(), True)
    tables = build_tables(log.before(cutoff), N, cutoff)
    return MixSearch(network, tables, [new], Protocol("met_too", held_out, False)), tables, held_out


@pytest.mark.parametrize("met_too", [True, False])
def test_where_nobody_buys_twice_what_was_bought_stands_behind_all_else(blank, met_too):
    search, tables, held_out = asked_of_what_was_met(blank, branded_shop())
    mix = (search if met_too else search_of(blank, branded_shop(), 12 * DAY))._with_repeats(START)
    history = held_out.histories[0]
    assert set(history.kinds.tolist()) == {Kind.PURCHASE}
    scores = mix.score_of(blank, tables).score(np.ones((1, 8), np.float32), [history])[0, 1:]
    bought = np.isin(np.arange(1, N + 1), history.items)
    assert scores[bought].max() <= scores[~bought].min()
    scores = scores_of(mix, blank, tables, often(REPEAT_WINDOW - 6))
    assert scores[0] < scores[2:].min()


def test_where_all_only_looked_the_first_purchase_does_not_lead(blank):
    log = one_after_another(shoppers=40)
    weights = search_of(blank, log, 12 * DAY)._with_repeats(START).weights
    most = (weights.repeat_decay ** np.arange(REPEAT_WINDOW)).sum()
    assert weights.of_repeats(most) < -4  # the table reaches from log(.01) to log(1.01)
    again = search_of(blank, faithful_shop(), 12 * DAY)._with_repeats(START)
    assert again == START


def a_few_repeat(back):
    """A tenth of the shoppers buy last what they had bought so many purchases before."""
    log = branded_shop()
    item = log.item.copy()
    last = log.shopper_starts()[1:] - 1
    item[last[:15]] = item[last[:15] - back]
    return replace(log, item=item)


def often(times):
    """Who bought item 1 so often, then item 2 once, and views."""
    return History.of([1] * times + [2, 30, 30, 30, 30, 30], [Kind.PURCHASE] * (times + 1) + [Kind.VIEW] * 5)


def scores_of(mix, network, tables, history):
    return mix.score_of(network, tables).score(np.ones((1, 8), np.float32), [history])[0, 1:]


def test_what_a_few_buy_again_is_weighed_by_their_share(blank):
    search, _, held_out = asked_of_what_was_met(blank, a_few_repeat(4))
    mix = search._with_repeats(START)
    trial = Trial(blank, search._tables, Protocol("", held_out, False))
    loss, values = trial.loss(_parts(trial, mix)), mix.values()
    assert abs(loss(values)[1][3]) < 1e-3  # as likely as it happens


@pytest.mark.parametrize("back", [2, 4])
def test_the_few_choose_how_often_and_how_lately_count_within_bounds(blank, back):
    weights = asked_of_what_was_met(blank, a_few_repeat(back))[0]._with_repeats(START).weights
    assert weights.repeat == pytest.approx(max(REPEAT_OF_FEW) if back == 2 else min(REPEAT_OF_FEW))


@pytest.mark.parametrize("log", [branded_shop, partial(a_few_repeat, 4)], ids=["none", "few"])
def test_what_was_bought_nine_times_stands_before_what_was_bought_once(blank, log):
    search, tables, _ = asked_of_what_was_met(blank, log())
    often_, once = scores_of(search._with_repeats(START), blank, tables, often(9))[:2]
    assert often_ > once + 1


def test_progress_grows_to_the_end(blank):
    shares = []
    search_of(blank, chain_shop(), 12 * DAY).best(shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1


def test_the_tables_power_is_one_of_those_built(blank):
    assert search_of(blank, chain_shop(), 12 * DAY).best_table() in [
        *((power, NEAR) for power in TABLE_POWERS),
        (FAR_POWER, FAR),
    ]


def test_the_slope_is_that_of_the_loss(blank):
    trial = search_of(blank, faithful_shop(), 12 * DAY)._trials[0]
    loss, values = trial.loss(_parts(trial, START)), np.array([0.7, 0.4, 1.1, 0.6, 0.2])
    slope = loss(values)[1]
    for k, step in enumerate(1e-2 * np.eye(5)):
        assert (loss(values + step)[0] - loss(values - step)[0]) / 2e-2 == pytest.approx(slope[k], abs=1e-3)


def test_no_weight_near_by_makes_the_targets_likelier(blank):
    search = search_of(blank, faithful_shop(), 12 * DAY)
    mix = search._fitted(START, START)
    values, trial = mix.values(), search._trials[0]
    loss = trial.loss(_parts(trial, mix))
    for step in 0.05 * np.eye(5):
        assert loss(values)[0] <= loss(values + step)[0] + 1e-5
        assert loss(values)[0] <= loss(np.maximum(values - step, LEAST))[0] + 1e-5


def test_what_is_recent_goes_into_the_bias():
    mix = Mix(START.weights, 0.0, recent=2.0)
    assert mix.bias(np.array([0, 1.0]), np.array([0, np.e - 1])).tolist() == pytest.approx([0, 3])


def test_a_move_is_made_only_when_it_surely_gains(blank):
    search = search_of(blank, faithful_shop(), 12 * DAY)
    without = START.with_values(np.array([1.0, 0, 0, 0, 0]))
    better = START.with_values(np.array([1.0, 0, 12.0, 0, 0]))
    assert search._surely_better(without, [without, better]) == better
    assert search._surely_better(better, [without, better]) == better


def test_the_table_counts_a_little_more_unless_that_is_surely_worse(blank, monkeypatch):
    search = search_of(blank, faithful_shop(), 12 * DAY)
    mix = START.with_values(np.array([1.0, 0.1, 12.0, 0, 0]))
    assert search._towards_reasons(mix).weights.table == pytest.approx(0.14)
    assert search._towards_reasons(START.with_values(np.array([1.0, 0, 12.0, 0, 0]))).weights.table == 0
    monkeypatch.setattr(mixing, "TOWARDS_REASONS", 1e4)
    assert search._towards_reasons(mix) == mix


def test_the_mix_that_is_found_has_the_raised_weight(blank, monkeypatch):
    raised = search_of(blank, chain_shop(), 12 * DAY).best(lambda share: None)
    monkeypatch.setattr(mixing, "TOWARDS_REASONS", 1.0)
    found = search_of(blank, chain_shop(), 12 * DAY).best(lambda share: None)
    assert raised.weights.table == pytest.approx(1.4 * found.weights.table)


def test_the_climb_never_ends_lower_than_it_began(blank):
    search = search_of(blank, chain_shop(), 12 * DAY)
    assert search._worth(search._climbed(START, lambda share: None)) >= search._worth(START)


def with_words(network, log, texts):
    """(the mix chosen where these are the products' words, its tables); nothing follows anything here."""
    counted = build_tables(log.before(12 * DAY), N, 12 * DAY, build_index(texts))
    nothing = {power: NextItemTable(np.zeros(N + 2, np.int64), *empty()) for power in TABLE_POWERS}
    tables = replace(counted, next_item=nothing)
    asked, _ = protocols(hold_out(log, 12 * DAY), 10)
    return MixSearch(network, tables, asked).best(lambda share: None), tables


def empty():
    return np.zeros(0, np.int32), np.zeros(0, np.float32)


def test_likeness_counts_where_shoppers_stay_with_a_brand_and_words_that_tell_nothing_do_not(blank):
    brands = [f"brand{1 + k % 8}" for k in range(1, N + 1)]
    mix, tables = with_words(blank, branded_shop(), brands)
    assert mix.weights.likeness > 0
    found = mix.score_of(blank, tables).next_item
    assert {brands[other - 1] for other in found.row(1)[0].tolist()} == {brands[0]}
    assert len(found.followers(1)[0]) == 0
    shuffled = np.random.default_rng(1).permutation(brands).tolist()
    mix, tables = with_words(blank, branded_shop(), shuffled)
    assert mix.weights.likeness == 0
    assert len(mix.score_of(blank, tables).next_item.row(1)[0]) == 0


def test_without_words_the_rest_is_chosen_as_ever(blank):
    assert with_words(blank, branded_shop(), [""] * N)[0] == with_words(blank, branded_shop(), [])[0]
