import numpy as np
import pytest

from recommendations.ml.metrics import hr, ndcg
from recommendations.ml.segments import of_products, of_shoppers, product_segments
from recommendations.ml.splitting import HeldOut


def asked(*met):
    empty = [np.array([9])] * len(met)
    return HeldOut(
        np.arange(len(met)), np.zeros(len(met), bool), empty, [np.array(items) for items in met], empty, empty
    )


def test_cold_shoppers_met_fewer_than_five_products():
    held_out = asked([1, 2, 3, 4], [1, 2, 3, 4, 5], [1])
    assert of_shoppers(np.array([1.0, 0.5, 0.0]), held_out) == {"cold": (2, 0.5), "warm": (1, 0.5)}


def test_a_segment_without_shoppers_is_absent():
    assert of_shoppers(np.array([1.0]), asked([1])) == {"cold": (1, 1.0)}


def test_the_head_is_the_most_popular_fifth():
    popularity = np.array([0, 9, 8, 3, 2, 2, 1, 1, 1, 1, 0])
    found = {name: np.flatnonzero(members).tolist() for name, members in product_segments(popularity).items()}
    assert found == {"new": [10], "head": [1, 2], "tail": [3, 4, 5, 6, 7, 8, 9]}


def test_items_as_popular_as_the_heads_last_are_in_it():
    found = product_segments(np.array([0, 5, 4, 4, 4, 1, 1, 1, 1, 1, 1]))
    assert np.flatnonzero(found["head"]).tolist() == [1, 2, 3, 4]


def test_what_nobody_met_is_never_in_the_head():
    found = product_segments(np.array([0, 5] + [0] * 9))
    assert np.flatnonzero(found["head"]).tolist() == [1]
    assert np.flatnonzero(found["new"]).tolist() == list(range(2, 11))


@pytest.mark.parametrize("n", [1, 2, 5, 31])
def test_every_item_is_in_one_segment_and_padding_in_none(n):
    popularity = np.append([0], np.random.default_rng(n).integers(0, 4, n))
    total = sum(members.astype(int) for members in product_segments(popularity).values())
    assert total.tolist() == [0] + [1] * n


def test_only_the_segments_items_are_right():
    popularity = np.array([0, 9, 1, 1, 1, 0])  # head: 1; tail: 2, 3, 4; new: 5
    lists, targets = [[1, 2], [3, 4]], [{1, 5}, {1, 4}]
    assert of_products(lists, targets, popularity, hr, 10) == {"new": (1, 0.0), "tail": (1, 1.0), "head": (2, 0.5)}
    assert of_products(lists, targets, popularity, ndcg, 1)["head"] == (2, 0.5)
