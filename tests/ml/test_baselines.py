import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommendations.ml.baselines import RECENT_SECONDS, bought_before, count_items, count_recent, popularity
from recommendations.ml.interactions import InteractionLog
from recommendations.ml.kinds import Kind
from recommendations.ml.splitting import hold_out
from recommendations.ml.training import neighbours as neighbours_module
from recommendations.ml.training.neighbours import item_neighbours, neighbour_scores
from tests.examples import examples

NOW = 10 * RECENT_SECONDS
# shopper, item, time: 1 and 2 buy 1 and 2 together, 3 buys 3 and 4, all come back
ROWS = [(1, 1, 0), (1, 2, 0), (1, 1, NOW - 5), (2, 1, 0), (2, 2, 0), (3, 3, 0), (3, 4, NOW - 1)]
RETURNS = [(shopper, 4, NOW) for shopper in (1, 2, 3)]


def log_of(rows):
    shopper, item, time = (np.array(column) for column in zip(*rows, strict=True))
    return InteractionLog.from_rows(shopper, item, np.full(len(item), Kind.PURCHASE), time)


PAST = log_of(ROWS)
ASKED = hold_out(log_of(ROWS + RETURNS), NOW)


def test_items_are_counted_by_events():
    assert count_items(PAST, 4).tolist() == [0, 3, 2, 1, 1]


def test_recent_items_are_those_of_thirty_days():
    assert count_recent(PAST, 4, NOW).tolist() == [0, 1, 0, 0, 1]


def test_popularity_is_the_same_for_everybody():
    scores = popularity(count_items(PAST, 4), ASKED)
    assert scores.shape == (3, 5)
    assert (scores == [0, 3, 2, 1, 1]).all()


def test_bought_before_ranks_own_items_first_and_breaks_ties_by_recent_popularity():
    scores = bought_before(np.array([0, 1, 0, 0, 3], np.float32), ASKED)
    assert np.argsort(-scores[0])[:3].tolist() == [1, 2, 4]
    assert np.argsort(-scores[2])[:3].tolist() == [4, 3, 1]


def test_neighbours_are_bought_by_the_same_shoppers():
    alike = item_neighbours(PAST, 4).toarray()
    assert alike[1].argmax() == 2
    assert alike[3].argmax() == 4
    assert alike[1, 3] == 0
    assert (np.diag(alike) == 0).all()
    np.testing.assert_allclose(alike, alike.T, atol=1e-6)


@settings(max_examples=examples(60), deadline=None)
@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 12)), min_size=1, max_size=60), st.integers(1, 4))
def test_neighbours_are_the_largest_cosines(met, most):
    shopper, item = np.array(sorted(met)).T
    log = InteractionLog.from_rows(shopper, item, np.full(len(met), Kind.VIEW), np.arange(len(met)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(neighbours_module, "NEIGHBOURS", 13)
        patch.setattr(neighbours_module, "BLOCK", 5)
        whole = item_neighbours(log, 12).toarray()
        patch.setattr(neighbours_module, "NEIGHBOURS", most)
        found = item_neighbours(log, 12).toarray()
    for cosines, kept in zip(whole, found, strict=True):
        assert np.count_nonzero(kept) == min(most, np.count_nonzero(cosines))
        assert sorted(kept[kept > 0]) == sorted(sorted(cosines[cosines > 0])[-most:])
        assert (cosines[kept > 0] == kept[kept > 0]).all()
    assert not whole.diagonal().any()


def test_neighbour_scores_add_up_over_the_past():
    neighbours = item_neighbours(PAST, 4)
    scores = neighbour_scores(neighbours, ASKED)
    np.testing.assert_allclose(scores[0], neighbours.toarray()[[1, 2]].sum(axis=0), rtol=1e-6)
    assert scores[2, 1] == 0
