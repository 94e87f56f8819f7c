import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from recommendations.ml.ranking import top_k
from recommendations.ml.shortlist import best_of

# Few distinct values, so that many are equal; some may not be shown at all.
VALUES = st.sampled_from([-np.inf, -2.5, 0.0, 0.25, 1.0, 7.0])


@given(st.lists(VALUES, min_size=0, max_size=400), st.integers(1, 30), st.integers(0, 2**32 - 1))
def test_it_is_what_looking_at_all_gives(values, k, seed):
    rng = np.random.default_rng(seed)
    scores = rng.permutation(np.concatenate((values, rng.normal(0, 1, 40 * k)))).astype(np.float32)
    among = rng.random(len(scores)) < rng.choice([0.05, 0.9, 1.0])
    assert best_of(scores, k, among).tolist() == top_k(np.where(among, scores, -np.inf), k).tolist()


def test_the_best_stand_where_the_sample_does_not_look():
    scores = np.zeros(100_000, np.float32)
    scores[1::16] = np.arange(6_250)
    among = np.ones(100_000, bool)
    assert best_of(scores, 3, among).tolist() == [99_985, 99_969, 99_953]
    among[99_969] = False
    assert best_of(scores, 3, among).tolist() == [99_985, 99_953, 99_937]


def test_few_that_may_be_shown_are_all_found():
    among = np.zeros(100_000, bool)
    among[[5, 70_001, 80_000]] = True
    scores = np.arange(100_000, dtype=np.float32)
    scores[80_000] = -np.inf
    assert best_of(scores, 1_000, among).tolist() == [70_001, 5]
