"""How alike the reasons of two trainings are, and how unlikely what came next was, by hand."""

import numpy as np
import pytest

from benchmarks.public_shops import Fitted
from benchmarks.seeds import agreement, nll, shortened
from recommendations.ml.kinds import Kind
from recommendations.ml.sequences import History


def viewed(*items):
    return History.of(items, [Kind.VIEW] * len(items))


def test_reasons_are_compared_where_both_have_one():
    first = [{1: frozenset({7}), 2: frozenset({7, 8}), 3: frozenset()}, {4: frozenset({9})}]
    second = [{1: frozenset({7}), 2: frozenset({8, 9}), 3: frozenset({7})}, {5: frozenset({9})}]
    found = agreement(first, second)
    assert found["jaccard"] == pytest.approx((1 + 1 / 3) / 2)
    assert found["same_list"] == pytest.approx((0.3 + 0) / 2)


class Flat:
    """Scores 0 for all of nine items but 1, which scores log 3; item 0 is none."""

    def scores(self, histories):
        row = np.zeros(10, np.float32)
        row[:2] = -np.inf, np.log(3)
        return np.tile(row, (len(histories), 1))


def test_what_was_met_is_no_choice():
    fitted = Fitted(None, Flat(), np.zeros(10), ())
    assert nll(fitted, [viewed(9)], [1]) == pytest.approx(np.log(10 / 3), abs=1e-6)  # 3 of 3 + 7
    assert nll(fitted, [viewed(1), viewed(9)], [2, 2]) == pytest.approx((np.log(8) + np.log(10)) / 2, abs=1e-6)


def test_what_is_left_out_of_a_history_is_no_choice_either():
    fitted = Fitted(None, Flat(), np.zeros(10), ())
    shorter, whole = [viewed(9)], [viewed(9, 1)]
    assert nll(fitted, shorter, [2]) == pytest.approx(np.log(10), abs=1e-6)
    assert nll(fitted, shorter, [2], met=whole) == pytest.approx(np.log(7), abs=1e-6) == nll(fitted, whole, [2])


def test_one_product_is_left_out_with_all_its_events():
    (short,) = shortened([viewed(3, 4, 3)], np.random.default_rng(0))
    assert short.items.tolist() in ([4], [3, 3])
