"""What a shop is served from its first day, before there is anything to learn from."""

import numpy as np
import pytest

from recommendations.ml.interactions import InteractionLog
from recommendations.ml.kinds import Kind
from recommendations.ml.plain import PlainScorer
from recommendations.ml.scorer import Scorer
from recommendations.ml.sequences import Bag, History, Queries
from recommendations.ml.text import build_index
from recommendations.ml.training.counted import word_vectors, write_counted
from recommendations.ml.training.reference import ReferenceScorer
from recommendations.ml.training.settings import TrainingSettings
from recommendations.ml.vocabulary import Vocabulary

TEXTS = ["green tea", "black tea", "tea pot", "red shoes", "blue shoes", "shoe box", ""]
N = len(TEXTS)


def log_of(*events):
    """Of (shopper, item, kind, time)."""
    return InteractionLog.from_rows(*np.array(events, np.int64).reshape(-1, 4).T)


@pytest.fixture
def counted(tmp_path):
    """counted(*events): the scorer of a shop in which nothing else was done."""

    def counted(*events):
        log, vocabulary = log_of(*events), Vocabulary([str(k) for k in range(1, N + 1)])
        popularity = np.bincount(log.item, minlength=N + 1).astype(np.float32)
        write_counted(log, vocabulary, build_index(TEXTS, popularity), tmp_path, TrainingSettings(width=16))
        return Scorer.open(tmp_path)

    return counted


def ranked(scorer, items, kinds=None, queries=None):
    """Items but those of the history, best first."""
    kinds = [Kind.VIEW] * len(items) if kinds is None else kinds
    history = History.of(items, kinds) if queries is None else History.of(items, kinds, queries=queries)
    order = np.argsort(-scorer.scores([history])[0], kind="stable").tolist()
    return [item for item in order if item not in (0, *items)]


def test_without_any_event_what_is_alike_comes_first(counted):
    scorer = counted()
    assert set(ranked(scorer, [1])[:2]) == {2, 3}
    assert set(ranked(scorer, [4])[:2]) == {5, 6}


def test_what_came_next_counts_beside_likeness(counted):
    scorer = counted(*((shopper, item, Kind.VIEW, item) for shopper in range(1, 6) for item in (1, 5)))
    assert ranked(scorer, [1])[0] == 5
    assert scorer.score.next_item.followers(1)[0].tolist() == [5]
    assert set(ranked(scorer, [1])[1:3]) == {2, 3}


def test_what_is_popular_leads_where_nothing_else_tells(counted):
    scorer = counted(*((shopper, 6, Kind.VIEW, shopper) for shopper in range(1, 20)))
    assert ranked(scorer, [7])[0] == 6


def test_a_search_counts_from_the_first_day(counted):
    scorer, tea = counted(), Bag(np.array([1, 2], np.int32), np.array([0.5, 0.5], np.float32))
    found = ranked(scorer, [N + 1], [Kind.SEARCH], Queries(N + 1, [tea]))
    assert set(found[:2]) == {1, 2}


def test_what_was_bought_comes_last_the_often_bought_first_of_it(counted):
    scorer = counted(*((shopper, item, Kind.PURCHASE, item) for shopper in range(1, 9) for item in (1, 2, 3)))
    history = History.of([2, 1, 2], [Kind.PURCHASE] * 3)
    order = np.argsort(-scorer.scores([history])[0], kind="stable")[:N].tolist()
    assert order[-2:] == [2, 1]


def test_every_path_scores_it_alike(counted, tmp_path):
    scorer = counted(*((shopper, 1 + (shopper + k) % N, Kind.VIEW, k) for shopper in range(5) for k in range(4)))
    reference, plain = ReferenceScorer.open(tmp_path), PlainScorer.open(tmp_path, scorer.vocabulary)
    for items in ([1], [3, 1, 7], [7]):
        history = History.of(items, [Kind.PURCHASE] * len(items))
        served = scorer.scores([history])[0]
        np.testing.assert_allclose(reference.scores(history)[1:], served[1:], atol=1e-4)
        np.testing.assert_allclose(plain.scores(history)[1:], served[1:], atol=1e-4)


def test_vectors_of_words_are_one_long_and_near_where_words_are_shared():
    vectors = word_vectors(build_index(TEXTS), N, 16)
    lengths = np.linalg.norm(vectors, axis=1)
    assert lengths[1:N].tolist() == pytest.approx([1.0] * (N - 1), abs=1e-5)
    assert lengths[[0, N]].tolist() == [0, 0]
    assert vectors[1] @ vectors[2] > 0.2 > abs(vectors[1] @ vectors[4])
    assert not word_vectors(build_index([""] * 3), 3, 16).any()
    middle = word_vectors(build_index([*TEXTS[:3], "", *TEXTS[3:]]), N + 1, 16)
    assert not middle[4].any()
