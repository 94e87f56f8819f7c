"""Searches as part of a history: numbers beyond the products, each a bag of products."""

from pathlib import Path

import numpy as np
import pytest

from recommendations.ml.artifact import read_vocabulary
from recommendations.ml.interactions import InteractionLog
from recommendations.ml.kinds import Kind
from recommendations.ml.pairs import EitherEnough
from recommendations.ml.plain import PlainScorer
from recommendations.ml.ranking import token_vectors, top_k
from recommendations.ml.reasons import LeaveOneOut
from recommendations.ml.scorer import Scorer
from recommendations.ml.sequences import Bag, History, Queries, product_tokens
from recommendations.ml.splitting import hold_out
from recommendations.ml.staying import Reading
from tests.ml.made_artifact import make_artifact

N = 30
QUERIES = Queries(
    N + 1,
    [
        Bag(np.array([3, 4], np.int32), np.array([0.75, 0.25], np.float32)),
        Bag(np.array([9], np.int32), np.array([1], np.float32)),
    ],
)
FIRST, SECOND = N + 1, N + 2


def history(items, kinds):
    return History.of(items, kinds, queries=QUERIES)


@pytest.fixture(scope="module")
def directory(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("artifact")
    make_artifact(folder, n=N, trained_kinds=(Kind.VIEW, Kind.SEARCH, Kind.PURCHASE))
    return folder


def test_a_search_is_the_weighted_mean_of_its_products():
    matrix = np.arange(2.0 * (N + 1), dtype=np.float32).reshape(N + 1, 2)
    read = history([5, FIRST], [Kind.VIEW, Kind.SEARCH])
    found = token_vectors(matrix, read.items[None], [read])[0]
    assert found.tolist() == [matrix[5].tolist(), (0.75 * matrix[3] + 0.25 * matrix[4]).tolist()]


def test_a_search_of_one_product_is_read_like_that_product(directory):
    scorer = Scorer.open(directory)
    search, view = history([5, SECOND], [Kind.VIEW, Kind.SEARCH]), history([5, 9], [Kind.VIEW, Kind.VIEW])
    kinds = scorer._read_as
    kinds[Kind.SEARCH] = kinds[Kind.VIEW]
    np.testing.assert_allclose(scorer.encode([search]), scorer.encode([view]), atol=1e-6)


def test_only_products_are_followed_and_bought_again(directory):
    read = history([5, FIRST, 7, SECOND], [Kind.VIEW, Kind.SEARCH, Kind.PURCHASE, Kind.SEARCH])
    assert product_tokens(read).tolist() == [5, 7]
    scorer = Scorer.open(directory)
    hidden = scorer.encode([read])
    with_search = scorer.score.parts(hidden, [read])
    without = scorer.score.parts(hidden, [history([5, 7], [Kind.VIEW, Kind.PURCHASE])])
    np.testing.assert_array_equal(with_search.table, without.table)
    assert with_search.repeats[0].nonzero()[0].tolist() == [7]


def test_all_paths_agree(directory):
    read = history([5, FIRST, 7, FIRST, SECOND, 5], [1, 2, 6, 2, 2, 1])
    served = Scorer.open(directory).scores([read, read.without(FIRST)])
    plain = PlainScorer.open(directory, read_vocabulary(directory))
    for row, variant in zip(served, [read, read.without(FIRST)], strict=True):
        np.testing.assert_allclose(plain.scores(variant)[1:], row[1:], atol=2e-3)


def test_without_a_search_is_a_history_that_never_had_it(directory):
    scorer = Scorer.open(directory)
    read = history([5, FIRST, 7, FIRST], [1, 2, 6, 2])
    np.testing.assert_array_equal(scorer.scores([read.without(FIRST)]), scorer.scores([History.of([5, 7], [1, 6])]))
    assert read.units() == [FIRST, 7, 5]


def test_searches_are_removed_and_paired_like_products(directory):
    scorer = Scorer.open(directory)
    read = history([5, FIRST, 7, SECOND], [1, 2, 6, 2])
    whole = Reading.of(scorer, read)
    scores = whole.scores.copy()
    scores[[5, 7]] = -np.inf
    pool = top_k(scores, N)
    left = LeaveOneOut(scorer, read, pool, scores[pool])
    assert set(left.units) == {FIRST, SECOND, 5, 7}
    either = EitherEnough(left, whole, scores > -np.inf, read.units())
    item = int(pool[0])
    expected = scorer.scores([read.without(SECOND)])[0]
    expected[[5, 7]] = -np.inf
    assert either.rank_without(SECOND, item) >= 1 + np.count_nonzero(expected > expected[item])


def test_a_search_that_stands_for_nothing_is_no_event():
    read = history([0, 5, FIRST, 4], [Kind.SEARCH, Kind.VIEW, Kind.VIEW, Kind.SEARCH])
    assert read.items.tolist() == [5]


def test_what_is_held_out_is_products():
    log = InteractionLog.from_rows(
        [1, 1, 1, 1, 2, 2], [5, FIRST, SECOND, 7, FIRST, 3], [1, 2, 2, 6, 2, 1], [1, 2, 10, 11, 3, 12], queries=QUERIES
    )
    held_out = hold_out(log, 10)
    assert held_out.shopper.tolist() == [1]  # of the other no product is known
    assert held_out.histories[0].items.tolist() == [5, FIRST]
    assert held_out.met[0].tolist() == [5]
    assert held_out.targets[0].tolist() == [7]
    assert log.products().item.tolist() == [5, 7, 3]
