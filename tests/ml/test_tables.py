import numpy as np
import pytest

from recommendations.ml.interactions import InteractionLog
from recommendations.ml.kinds import Kind
from recommendations.ml.training.tables import bought_again


def log_of(*rows):
    """(shopper, item, time, kind) each."""
    shopper, item, time, kind = zip(*sorted(rows), strict=True)
    return InteractionLog.from_rows(shopper, item, kind, time)


def bought(*rows):
    return log_of(*((*row, Kind.PURCHASE) for row in rows))


def test_what_its_buyers_buy_again_is_above_the_average_product_and_what_they_do_not_below():
    """Item 1: two buyers, three times more in all; item 2: one buyer, never again. On average one more a buyer."""
    found = bought_again(bought((7, 1, 1), (7, 1, 2), (7, 1, 3), (8, 1, 1), (8, 1, 2), (8, 2, 1)), 3)
    average = 3 / 3
    expected = [0, np.log((3 + 5 * average) / (2 + 5)), np.log((0 + 5 * average) / (1 + 5)), 0]
    assert found.tolist() == pytest.approx(expected, rel=1e-6)


def test_lines_of_one_order_and_other_kinds_are_no_purchase_more():
    once = bought((7, 1, 1), (8, 2, 1), (8, 2, 2))
    told = log_of(
        (7, 1, 1, Kind.PURCHASE),
        (7, 1, 1, Kind.PURCHASE),
        (7, 1, 2, Kind.VIEW),
        (8, 2, 1, Kind.PURCHASE),
        (8, 2, 2, Kind.PURCHASE),
    )
    assert bought_again(told, 2).tolist() == bought_again(once, 2).tolist()


def test_where_nobody_buys_anything_again_or_anything_at_all_it_says_nothing():
    assert bought_again(bought((7, 1, 1), (8, 2, 1)), 2).tolist() == [0, 0, 0]
    assert bought_again(log_of((7, 1, 1, Kind.VIEW), (7, 1, 2, Kind.VIEW)), 2).tolist() == [0, 0, 0]
