"""The features' buckets are counted by hand, and each event carries its own into both training and asking."""

import numpy as np

from benchmarks.known_features import DAY, gaps, labelled, price_buckets
from recommendations.ml.interactions import InteractionLog
from recommendations.ml.kinds import Kind
from recommendations.ml.splitting import hold_out


def log_of(rows):
    shopper, item, day = np.array(rows).T
    return InteractionLog.from_rows(shopper, item, np.full(len(rows), Kind.PURCHASE), day * DAY)


def test_a_gap_is_the_time_since_the_order_before():
    rows = [(1, 1, 0), (1, 2, 1), (1, 3, 1), (1, 4, 3), (1, 5, 33), (1, 6, 400), (2, 7, 400), (2, 8, 900)]
    # first of its shopper: 0; a day: 1; both lines of the order; two days: 2; 30: 3; 367: 6; and a new shopper's
    assert gaps(log_of(rows)).tolist() == [0, 1, 1, 2, 3, 6, 0, 6]


def test_a_price_is_told_within_its_category_and_unknown_without():
    price = np.array([np.nan, *range(10, 80, 10), 5, 500, np.nan])
    category = np.array([0, *([1] * 7), 2, 2, 1])
    assert price_buckets(price, category).tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 1, 4, 0]


def test_equal_prices_share_a_bucket():
    assert price_buckets(np.array([np.nan, 3, 3, 3]), np.zeros(4)).tolist() == [0, 1, 1, 1]


def test_what_is_asked_carries_the_features_of_its_own_events():
    log = log_of([(1, 1, 0), (1, 2, 2), (1, 3, 9), (2, 4, 0), (2, 5, 9)])
    past = log.before(9 * DAY)
    fitted, asked = labelled(past, hold_out(log, 9 * DAY), np.array([0, 2, 5], np.int8))
    assert fitted.kind.tolist() == [0, 2, 5]
    assert [history.kinds.tolist() for history in asked.histories] == [[0, 2], [5]]
    assert [history.items.tolist() for history in asked.histories] == [[1, 2], [4]]
    assert [targets.tolist() for targets in asked.targets] == [[3], [5]]
