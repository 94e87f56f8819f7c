from math import log2

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommendations.ml.metrics import (
    accuracy,
    averages,
    coverage,
    every_metric,
    f1,
    hr,
    mrr,
    ndcg,
    precision,
    rank_pessimistic,
    recall,
)

LISTS = st.lists(st.integers(1, 30), unique=True, max_size=20)
TARGETS = st.sets(st.integers(1, 30), min_size=1)


def test_hr_is_one_when_any_is_right():
    assert hr([5, 6, 7], {7, 9}, 3) == 1
    assert hr([5, 6, 7], {7, 9}, 2) == 0


def test_recall_is_over_the_targets():
    assert recall([1, 2, 3, 4], {2, 4, 8, 9}, 4) == 2 / 4


def test_precision_is_over_the_places_even_when_the_list_is_short():
    assert precision([1, 2], {2}, 10) == 1 / 10


def test_f1_is_the_harmonic_mean():
    p, r = precision([1, 2, 3, 4], {2, 9}, 4), recall([1, 2, 3, 4], {2, 9}, 4)
    assert f1([1, 2, 3, 4], {2, 9}, 4) == pytest.approx(2 * p * r / (p + r))
    assert f1([1], {2}, 4) == 0


def test_accuracy_counts_what_is_rightly_not_shown():
    # Of ten items two are shown, one of them right, and one right item is missing: 8 of 10 stand where they belong.
    assert accuracy([1, 2], {2, 9}, 10, n=10) == pytest.approx(0.8)
    assert accuracy([1, 2], {2}, 1, n=10) == pytest.approx(0.8)
    assert accuracy([2], {2}, 5, n=10) == 1


def test_every_metric_at_every_cut_for_each_shopper():
    found = every_metric([[9, 1, 2], [3, 4]], [{1}, {9}], n=10)
    assert sorted({name.partition("@")[0] for name in found}) == sorted(
        ["hr", "ndcg", "recall", "precision", "f1", "mrr", "accuracy"]
    )
    assert sorted({name.partition("@")[2] for name in found}) == ["10", "20", "5"]
    assert found["mrr@5"].tolist() == [0.5, 0]
    assert found["precision@20"].tolist() == [1 / 20, 0]
    assert found["accuracy@5"].tolist() == pytest.approx([0.8, 0.7])


def test_mrr_of_the_first_place():
    assert mrr([3, 1], {3}, 10) == 1


def test_mrr_counts_the_first_right_item_only():
    assert mrr([1, 2, 3, 4], {2, 3}, 10) == 1 / 2


def test_mrr_beyond_the_cut_is_zero():
    assert mrr([1, 2, 3], {3}, 2) == 0


def test_ndcg_of_a_perfect_list():
    assert ndcg([1, 2], {1, 2}, 10) == 1
    assert ndcg([1, 2], {1, 2, 3, 4}, 2) == 1


def test_ndcg_of_one_target_in_third_place():
    assert ndcg([8, 9, 1], {1}, 10) == pytest.approx(1 / log2(4))


def test_ndcg_of_two_targets_one_found_in_second_place():
    assert ndcg([8, 1, 9], {1, 2}, 10) == pytest.approx((1 / log2(3)) / (1 + 1 / log2(3)))


def test_coverage_counts_each_item_once():
    assert coverage([[1, 2], [2, 3], [3, 4]], n=8, k=2) == 4 / 8
    assert coverage([[1, 2], [2, 3]], n=8, k=1) == 2 / 8


def test_equal_scores_put_the_right_ones_last():
    assert rank_pessimistic(np.array([0.0, 1, 1, 1]), {1}, 3).tolist() == [2, 3, 1]


def test_a_method_that_cannot_tell_items_apart_finds_nothing():
    assert hr(rank_pessimistic(np.zeros(50), {1, 2}, 10).tolist(), {1, 2}, 10) == 0


def test_items_taken_out_are_never_listed():
    assert rank_pessimistic(np.array([-np.inf, 2, -np.inf, 3]), {0}, 10).tolist() == [3, 1]


@given(st.lists(st.integers(0, 3), min_size=1, max_size=30), TARGETS, st.integers(1, 10))
def test_pessimistic_ranking_equals_a_full_sort(scores, targets, k):
    by_hand = sorted(range(len(scores)), key=lambda i: (-scores[i], i in targets, i))[:k]
    assert rank_pessimistic(np.array(scores, float), targets, k).tolist() == by_hand


@given(LISTS, TARGETS, st.integers(1, 20))
def test_every_metric_is_between_zero_and_one(ranked, targets, k):
    for metric in (hr, recall, precision, f1, mrr, ndcg):
        assert 0 <= metric(ranked, targets, k) <= 1 + 1e-12


@given(LISTS, TARGETS, st.integers(1, 20))
def test_all_metrics_agree_on_whether_anything_was_right(ranked, targets, k):
    assert len({metric(ranked, targets, k) > 0 for metric in (hr, recall, precision, f1, mrr, ndcg)}) == 1


def test_averages_over_two_shoppers():
    found = averages([[1, 2], [3, 4]], [{1}, {9}], n=8)
    assert found["hr@10"] == 0.5
    assert found["recall@20"] == 0.5
    assert found["precision@10"] == pytest.approx(0.05)
    assert found["coverage@10"] == 0.5
