"""What a product has in common with the newest ones, from its codes to the score and to what bounds it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommendations.ml.artifact import CODES, read_array
from recommendations.ml.attributes import NEWEST, NOT_TOLD, code_table, codes_of, in_common
from recommendations.ml.kinds import Kind
from recommendations.ml.likely_pairs import LikelyPairs
from recommendations.ml.newcomers import Newcomer, with_newcomers
from recommendations.ml.ranking import MixWeights, NextItemTable, Score, top_k
from recommendations.ml.reasons import LeaveOneOut
from recommendations.ml.sequences import Bag, History, Queries
from recommendations.ml.staying import Reading, Staying
from tests.ml.made_artifact import make_artifact

ALL = slice(None)
NO_TABLE = {"table": 0.0, "table_eps": 1.0, "repeat": 0.0, "repeat_decay": 1.0}


def viewed(*items, queries=None):
    kinds = [Kind.VIEW] * len(items)
    return History.of(items, kinds) if queries is None else History.of(items, kinds, queries=queries)


def test_equal_words_have_equal_codes_wherever_they_are_read():
    # written down: an artifact's codes are compared with those of products that come years later
    assert codes_of("Acme", ["Food", "Tea"]) == (-4535017640108880826, 7701148702321339290)
    assert codes_of("Acme", ["Food"])[1] != codes_of("Acme", ["Food", "Tea"])[1]
    assert codes_of("Acme ", [])[0] != codes_of("Acme", [])[0]
    assert codes_of("", []) == (NOT_TOLD, NOT_TOLD)


def test_a_table_of_codes_begins_with_the_padding():
    assert code_table([(7, 8), (9, 0)]).tolist() == [[0, 7, 9], [0, 8, 0]]
    assert code_table([]).shape == (2, 1)


def test_a_value_in_common_is_one_of_the_newest_products():
    codes = np.array([[0, 5, 6, 5, 0, 0], [0, 0, 7, 7, 7, 9]], np.int64)
    found = in_common(codes, [viewed(1), viewed(4), viewed(2, 5)], ALL)
    assert found[0].astype(int).tolist() == [[0, 1, 0, 1, 0, 0], [0, 0, 0, 0, 0, 0], [0, 0, 1, 0, 0, 0]]
    assert found[1].astype(int).tolist() == [[0, 0, 0, 0, 0, 0], [0, 0, 1, 1, 1, 0], [0, 0, 1, 1, 1, 1]]
    assert in_common(codes, [viewed(1)], np.array([3, 2]))[0].tolist() == [[True, False]]


def test_only_the_newest_products_are_compared_and_searches_are_none_of_them():
    codes = np.arange(31)[None] * 10
    has = in_common(codes, [viewed(*range(1, NEWEST + 2))], ALL)[0, 0]
    assert np.flatnonzero(has).tolist() == list(range(2, NEWEST + 2))
    half = Bag(np.array([1, 2], np.int32), np.array([0.5, 0.5], np.float32))
    queries = Queries(31, [half])
    mixed = History.of([*range(1, NEWEST + 1), 31], [Kind.VIEW] * NEWEST + [Kind.SEARCH], queries=queries)
    assert np.flatnonzero(in_common(codes, [mixed], ALL)[0, 0]).tolist() == list(range(1, NEWEST + 1))


def made_score(codes, brand, category=0.0, d=2):
    n = codes.shape[1] - 1
    table = NextItemTable(np.zeros(n + 2, np.int64), np.zeros(0, np.int32), np.zeros(0, np.float32))
    weights = MixWeights(**NO_TABLE, brand=brand, category=category)
    return Score(np.zeros((n + 1, d), np.float32), -np.arange(n + 1, dtype=np.float32), table, weights, codes=codes)


def test_the_score_adds_the_weight_of_each_field():
    score = made_score(np.array([[0, 5, 5, 0], [0, 8, 8, 8]]), brand=0.7, category=0.2)
    found = score.score(np.zeros((1, 2), np.float32), [viewed(1)])[0]
    assert found[1:] == pytest.approx([-1 + 0.9, -2 + 0.9, -3 + 0.2])
    assert score.score(np.zeros((1, 2), np.float32), [viewed(3)], np.array([2]))[0, 0] == pytest.approx(-2 + 0.2)


def test_a_newcomer_has_its_own_brand_and_is_compared_like_any_other():
    score = made_score(np.array([[0, 5, 6], [0, 8, 8]]), brand=1.0)
    like_it = Bag(np.array([2], np.int32), np.ones(1, np.float32))
    more = with_newcomers(score, [Newcomer("new", like_it, (5, 0)), Newcomer("other", like_it)])
    assert more.codes.tolist() == [[0, 5, 6, 5, 0], [0, 8, 8, 0, 0]]
    assert score.codes.shape == (2, 3)
    own = more.score(np.zeros((1, 2), np.float32), [viewed(3)])[0] - more.bias
    assert own[1:] == pytest.approx([1, 0, 1, 0])
    assert with_newcomers(made_score(np.zeros((0, 3), np.int64), 1.0), [Newcomer("new", like_it)]).codes.shape[0] == 0


class Still:
    """A scorer whose network reads every history alike."""

    eps = 0.01

    def __init__(self, score):
        self.score = score

    def encode(self, histories):
        return np.zeros((len(histories), self.score.item_matrix.shape[1]), np.float32)


def test_what_older_products_bring_when_they_move_up_is_in_the_bound():
    # Nine products were met: 1 is too old to count. Without 9 it counts, and 13, of its brand, passes 12. It is outside
    # the pool, and nothing but the brand tells of it.
    codes = np.zeros((2, 15), np.int64)
    codes[0, [1, 13]] = 5
    scorer = Still(made_score(codes, brand=3.0))
    history, pool = viewed(*range(1, 10)), np.array([10, 11, 12], np.int32)
    whole = Reading.of(scorer, history)
    left = LeaveOneOut(scorer, history, pool, whole.scores[pool])
    rivals = np.ones(15, bool)
    rivals[:10] = False
    found = Staying(left, whole, rivals).ranks({9: [12], 1: [12]})
    assert found == {(9, 12): 4, (1, 12): 3}  # -13 + 3 beats -10, -11 and -12 within eps or more


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    path = tmp_path_factory.mktemp("artifact")
    make_artifact(path, n=60, weights=MixWeights(0.5, 0.01, 1.0, 0.98, brand=2.0, category=1.0))
    return path


HISTORIES = st.lists(
    st.tuples(st.integers(1, 60), st.sampled_from([Kind.VIEW, Kind.PURCHASE])), min_size=2, max_size=14
).map(lambda events: History.of(*zip(*events, strict=True)))


@settings(max_examples=40, deadline=None)
@given(history=HISTORIES, size=st.integers(5, 25))
def test_no_place_is_better_than_in_the_whole_catalog(scorer, history, size):
    whole, rivals = Reading.of(scorer, history), np.ones(61, bool)
    rivals[[0, *history.items]] = False
    pool = top_k(np.where(rivals, whole.scores, np.float32(-np.inf)), size).astype(np.int32)
    left = LeaveOneOut(scorer, history, pool, whole.scores[pool])
    items = pool[:5].tolist()
    for (unit, item), rank in Staying(left, whole, rivals).ranks(dict.fromkeys(left.units, items)).items():
        scores = scorer.scores([history.without(unit)])[0]
        assert rank >= 1 + np.count_nonzero(scores[rivals] > scores[item])
        assert rank <= 1 + np.count_nonzero(scores[rivals] >= scores[item] - 2 * scorer.eps)


@settings(max_examples=40, deadline=None)
@given(histories=st.lists(HISTORIES, min_size=1, max_size=4), items=st.sets(st.integers(1, 60), min_size=1))
def test_what_is_in_common_depends_on_the_product_and_the_history_alone(scorer, histories, items):
    codes, items = scorer.score.codes, np.array(sorted(items))
    together = in_common(codes, histories, ALL)
    np.testing.assert_array_equal(in_common(codes, histories, items), together[:, :, items])
    for row, history in enumerate(histories):
        np.testing.assert_array_equal(in_common(codes, [history], ALL)[:, 0], together[:, row])


@pytest.fixture(scope="module")
def scorer(directory):
    from recommendations.ml.scorer import Scorer

    return Scorer.open(directory)


def test_of_likely_pairs_the_attributes_are_those_of_the_rest():
    codes = np.zeros((2, 13), np.int64)
    codes[0, [1, 2, 12]] = 5
    scorer, history = Still(made_score(codes, brand=20.0)), viewed(1, 2, 3)
    pool = np.array([12, 4, 5, 6], np.int32)
    whole = Reading.of(scorer, history)
    left = LeaveOneOut(scorer, history, pool, whole.scores[pool])
    likely = LikelyPairs(left, whole, [12], 1)
    assert likely.best(0, np.ones(3, bool), 1) == [(1, 2)]


def test_where_no_attribute_counts_none_is_stored(tmp_path):
    manifest = make_artifact(tmp_path, n=5, weights=MixWeights(0.5, 0.01, 1.0, 0.98))
    assert read_array(tmp_path, CODES).shape == (0, 6)
    assert (manifest.weights.brand, manifest.weights.category) == (0, 0)
