"""TIFU-KNN as published, on baskets that fit on a page."""

import numpy as np
import pytest

from benchmarks.tifu import Settings, TifuKnn
from recommendations.ml.interactions import InteractionLog
from recommendations.ml.kinds import Kind


def log_of(*rows):
    """(shopper, time, item) each."""
    shopper, time, item = zip(*sorted(rows), strict=True)
    return InteractionLog.from_rows(shopper, item, np.full(len(item), Kind.PURCHASE), time)


def test_own_baskets_fade_within_their_group_and_groups_by_their_age():
    # Five baskets in two groups: {1, 2} of the older two, {3, 4, 5} of the newer three.
    log = log_of((7, 1, 1), (7, 2, 2), (7, 3, 3), (7, 4, 4), (7, 5, 5))
    [scores] = TifuKnn(log, 5, Settings(300, 0.9, 0.5, 2, 0.7)).scores([7])
    older, newer = 0.5 / 2 / 2, 1 / 2 / 3
    expected = [0, 0.9 * older, older, 0.81 * newer, 0.9 * newer, newer]
    assert scores.tolist() == pytest.approx([0.7 * value for value in expected], rel=1e-6)


def test_a_basket_is_a_set_and_fewer_baskets_than_groups_are_a_group_each():
    log = log_of((7, 1, 1), (7, 1, 1), (7, 2, 2))
    [scores] = TifuKnn(log, 2, Settings(300, 0.9, 0.5, 7, 1.0)).scores([7])
    assert scores.tolist() == pytest.approx([0, 0.25, 0.5])


def test_what_the_nearest_bought_is_added():
    log = log_of((1, 1, 1), (1, 1, 2), (2, 1, 1), (3, 1, 1), (3, 1, 2), (3, 2, 1), (3, 2, 2), (3, 3, 3))
    settings = Settings(1, 1.0, 1.0, 1, 0.6)
    [scores] = TifuKnn(log, 3, settings).scores([1])
    # From (1, 1, 0) shopper 3, (2/3, 2/3, 1/3), has a squared distance of 1/3, shopper 2, (1, 0, 0), of 1.
    third = np.array([0, 2 / 3, 2 / 3, 1 / 3])
    assert scores.tolist() == pytest.approx((0.6 * np.array([0, 1, 1, 0]) + 0.4 * third).tolist())


def test_nobody_is_their_own_neighbour():
    log = log_of((1, 1, 1), (2, 1, 2))
    both = TifuKnn(log, 2, Settings(300, 0.9, 0.7, 7, 0.7)).scores([1, 2])
    assert np.allclose(both, [[0, 0.7, 0.3], [0, 0.3, 0.7]])
