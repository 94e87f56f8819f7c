from dataclasses import replace

import numpy as np
import pytest

from recommendations.ml.artifact import read_vocabulary
from recommendations.ml.plain import PlainScorer
from recommendations.ml.scorer import Scorer
from recommendations.ml.sequences import History, tokens
from tests.ml.made_artifact import WEIGHTS_OF_THE_MIX, make_artifact


@pytest.fixture
def directory(tmp_path):
    make_artifact(tmp_path, trained_kinds=(1, 6))
    return tmp_path


@pytest.mark.parametrize("length", [1, 7, 60, 250])
def test_plain_scores_are_the_served_ones(directory, length):
    rng = np.random.default_rng(length)
    history = History.of(rng.integers(1, 31, length), rng.choice([1, 3, 4, 6], length))
    plain, served = PlainScorer.open(directory, read_vocabulary(directory)), Scorer.open(directory)
    np.testing.assert_allclose(plain.scores(history)[1:], served.scores([history])[0, 1:], atol=2e-3)


def test_plain_scores_read_the_table_as_far_back(tmp_path):
    make_artifact(tmp_path, weights=replace(WEIGHTS_OF_THE_MIX, table=3.0, table_reads=50, table_fade=1.0))
    test_plain_scores_are_the_served_ones(tmp_path, 60)


def test_attention_is_a_share_of_each_token(directory):
    history = History.of([3, 3, 5, 9], [1, 6, 1, 6])
    attention = PlainScorer.open(directory, read_vocabulary(directory)).attention(history)
    assert attention.shape == (2, 2, len(tokens(history)[0])) == (2, 2, 3)
    assert attention.min() >= 0
    np.testing.assert_allclose(attention.sum(axis=-1), 1)


def test_without_history_there_is_no_score(directory):
    with pytest.raises(ValueError, match="history is empty"):
        PlainScorer.open(directory, read_vocabulary(directory)).scores(History.of([], []))
