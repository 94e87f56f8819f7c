"""Products that came after the training: where they stand, by hand, and that all who score agree on it."""

import numpy as np
import pytest

from recommendations.ml.artifact import ITEM_MATRIX, POPULARITY, read_array, read_vocabulary
from recommendations.ml.newcomers import BIAS, Newcomer, newcomers_of, with_newcomers
from recommendations.ml.plain import PlainScorer
from recommendations.ml.ranking import MixWeights, NextItemTable, Score
from recommendations.ml.scorer import Scorer
from recommendations.ml.sequences import Bag, History, Queries
from recommendations.ml.text import build_index
from tests.ml.made_artifact import make_artifact

N = 30
TEXTS = [f"{('red', 'green', 'blue')[k % 3]} {('tea', 'cup')[k % 2]}" for k in range(N)]


def bag(*pairs):
    items, weights = zip(*pairs, strict=True)
    return Bag(np.array(items, np.int32), np.array(weights, np.float32))


def test_it_stands_between_those_like_it_as_far_out_as_they_do():
    table = NextItemTable(np.array([0, 0, 1, 1]), np.array([2], np.int32), np.array([0.5], np.float32))
    matrix = np.array([[0, 0], [3, 0], [0, 1]], np.float32)
    score = Score(matrix, np.array([0, 1, 2], np.float32), table, MixWeights(1.0, 0.1, 0.0, 1.0))
    more = with_newcomers(score, [Newcomer("new", bag((1, 0.5), (2, 0.5)), bag((1, 0.9)))])
    # the mean is (1.5, .5), its length sqrt(2.5); theirs is (3 + 1) / 2 = 2
    assert more.item_matrix[3] == pytest.approx(np.array([1.5, 0.5]) / 2.5**0.5 * 2)
    assert more.bias[3] == pytest.approx(1.5 + BIAS)
    assert more.next_item.row(3)[0].tolist() == []
    assert more.next_item.row(1)[0].tolist() == [2]
    assert len(score.bias) == 3


def test_the_popular_ones_among_those_like_it_count_more():
    index, popularity = build_index(["red tea", "red tea", "cup"]), np.array([0, np.e - 2, np.e**3 - 2, 5])
    (found,) = newcomers_of(index, popularity, {"new": "red tea", "other": "unheard of"})
    assert found.product_id == "new"
    assert dict(zip(found.like_it.items.tolist(), found.like_it.weights, strict=True)) == pytest.approx(
        {1: 1 / 4, 2: 3 / 4}
    )


@pytest.fixture
def scorer(tmp_path):
    make_artifact(tmp_path, n=N, texts=TEXTS, trained_kinds=(1, 6))
    return Scorer.open(tmp_path)


def newcomers(scorer):
    words = {"new": "green tea", "other": "blue cup"}
    return newcomers_of(scorer.query_index, read_array(scorer.directory, POPULARITY), words)


def test_nothing_changes_for_those_that_were_there(scorer):
    history = History.of([3, 9, 9, 14], [1, 6, 1, 1])
    more = scorer.with_newcomers(newcomers(scorer))
    np.testing.assert_array_equal(more.scores([history])[0, : N + 1], scorer.scores([history])[0])
    assert (len(scorer.vocabulary), len(more.vocabulary)) == (N, N + 2)
    assert more.vocabulary.number("other") == N + 2
    assert more.version == scorer.version


def test_no_process_copies_the_matrix_and_none_writes_the_file(scorer):
    stored = (scorer.directory / ITEM_MATRIX).read_bytes()
    more = scorer.with_newcomers(newcomers(scorer)[:1])
    again = more.with_newcomers([Newcomer("third", *[newcomers(scorer)[0].like_it] * 2)])
    assert np.shares_memory(again.score.item_matrix, scorer.score.item_matrix)
    assert [len(one.score.item_matrix) for one in (scorer, more, again)] == [N + 1, N + 2, N + 3]
    assert (scorer.directory / ITEM_MATRIX).read_bytes() == stored


def test_all_who_score_agree_on_newcomers_in_the_history_and_out_of_it(scorer):
    more = scorer.with_newcomers(newcomers(scorer))
    queries = Queries(N + 3, [scorer.query_index.bag("red")])
    history = History.of([N + 1, 4, N + 3, N + 2, N + 1, 7], [1, 6, 2, 1, 6, 1], queries=queries)
    served = more.scores([history])[0]
    plain = PlainScorer.open(scorer.directory, more.vocabulary, more.newcomers)
    np.testing.assert_allclose(plain.scores(history)[1:], served[1:], atol=2e-3)


@pytest.mark.training
def test_the_reference_agrees_too(scorer):
    from recommendations.ml.training.reference import ReferenceScorer

    more = scorer.with_newcomers(newcomers(scorer))
    history = History.of([N + 1, 4, N + 2, 7], [1, 6, 1, 1])
    reference = ReferenceScorer.open(scorer.directory)
    reference.take_in(more.newcomers)
    np.testing.assert_allclose(reference.scores(history)[1:], more.scores([history])[0, 1:], atol=2e-3)
    assert reference.vocabulary == more.vocabulary != read_vocabulary(scorer.directory)


def test_products_that_nobody_met_are_like_it_too():
    index = build_index(["green tea", "black tea", "pot"])
    (found,) = newcomers_of(index, np.zeros(4, np.float32), {"new": "green tea tin"})
    assert found.like_it.items.tolist() == [1, 2]
    assert found.like_it.weights.sum() == pytest.approx(1)
