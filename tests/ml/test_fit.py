from dataclasses import replace

import numpy as np
import pytest
import torch

from recommendations.ml.splitting import NotEnoughData, split_time
from recommendations.ml.training.cooccurrence import svd_start
from recommendations.ml.training.fit import FitSettings, fit
from recommendations.ml.training.loss import NegativeSampler
from recommendations.ml.training.network import NetworkSettings
from recommendations.ml.training.tables import build_tables
from tests.ml.made_shop import chain_shop

SETTINGS = FitSettings(network=NetworkSettings(width=8, feed_forward=16, dropout=0.1), rate=1e-2)
LOG = chain_shop(shoppers=60)
TABLES = build_tables(LOG, 40, int(LOG.time.max()) + 1)


def weights_of(network):
    return b"".join(tensor.numpy().tobytes() for tensor in network.state_dict().values())


def short_fit(log=LOG, tables=TABLES, settings=SETTINGS, steps=4, report=lambda share: None):
    return fit(log, tables, steps, settings, report)


def test_a_fit_repeats_exactly():
    assert weights_of(short_fit()) == weights_of(short_fit())


def test_a_fit_repeats_exactly_on_two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert weights_of(short_fit()) == weights_of(short_fit())
    finally:
        torch.set_num_threads(before)


def test_another_seed_is_another_network():
    assert weights_of(short_fit()) != weights_of(short_fit(settings=replace(SETTINGS, seed=1)))


def test_a_fit_does_not_depend_on_what_was_drawn_before():
    first = weights_of(short_fit())
    torch.rand(100)
    assert weights_of(short_fit()) == first


def test_a_fit_does_not_depend_on_what_others_draw_meanwhile():
    assert weights_of(short_fit(report=lambda share: torch.rand(10))) == weights_of(short_fit())


def test_report_is_called_before_and_after_every_step():
    shares = []
    short_fit(report=shares.append)
    assert shares == [0.0, 0.25, 0.5, 0.75, 1.0]


def test_report_may_end_the_fit():
    def cancel(share):
        raise KeyboardInterrupt(f"at {share}")

    with pytest.raises(KeyboardInterrupt, match=r"at 0\.0"):
        short_fit(report=cancel)


def test_padding_stays_zero():
    network = short_fit()
    assert (network.item_matrix[0] == 0).all()
    assert not network.training


def test_tables_and_fit_know_nothing_of_the_rows_after_the_cutoff():
    """Shuffle who did what after the cutoff: everything that the judged fit is made of stays the same bytes."""
    cutoff = split_time(LOG)
    later = np.flatnonzero(LOG.time >= cutoff)
    changed = LOG.item.copy()
    changed[later] = np.random.default_rng(0).permutation(LOG.item[later])
    assert (changed != LOG.item).any()
    other = type(LOG).from_rows(LOG.shopper, changed, LOG.kind, LOG.time)
    assert split_time(other) == cutoff
    ours, theirs = (judged_bytes(log.before(cutoff), cutoff) for log in (LOG, other))
    assert ours == theirs


def test_products_that_come_later_change_nothing_of_the_fit_before():
    """They have rows of their own, of which nothing is known; the others are as if nobody knew of them."""
    tables, more = (build_tables(LOG, n, int(LOG.time.max()) + 1) for n in (40, 43))
    ours, theirs = short_fit(LOG, tables, steps=5), short_fit(LOG, more, steps=5)
    for name in ("item_matrix", "bias"):
        weights, others = ours.state_dict()[name], theirs.state_dict()[name]
        torch.testing.assert_close(weights, others[:41], rtol=0, atol=2e-4)  # the SVD rounds
    assert (theirs.bias[41:] == theirs.bias[1:41].min()).all()
    assert LOG.products_met() == 40  # what a plan is made for


def test_negatives_are_products_that_were_met():
    popularity = np.array([0, 3, 0, 1, 0, 2, 5], np.float32)
    for count in (2, 100):
        drawn = [NegativeSampler(popularity, count, np.random.default_rng(seed)).draw().items for seed in range(30)]
        assert set(np.concatenate([items.numpy() for items in drawn]).tolist()) == {1, 3, 5, 6}


def judged_bytes(past, cutoff):
    tables = build_tables(past, 40, cutoff)
    found = [tables.popularity, tables.recent, tables.following.data, tables.following.indices]
    for table in tables.next_item.values():
        found += [table.indptr, table.indices, table.values]
    found.append(svd_start(tables.following, 8, 0))
    return [array.tobytes() for array in found] + [weights_of(short_fit(past, tables, steps=3))]


def test_an_empty_log_is_refused():
    nothing = LOG.before(0)
    with pytest.raises(NotEnoughData, match="no interactions to fit"):
        short_fit(nothing, build_tables(nothing, 40, 1))


def test_rare_kinds_are_not_trained():
    kinds = LOG.kind.copy()
    kinds[0] = 4
    log = type(LOG).from_rows(LOG.shopper, LOG.item, kinds, LOG.time)
    assert build_tables(log, 40, int(LOG.time.max())).trained_kinds == (1, 6)
