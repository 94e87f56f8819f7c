"""Three units of which any is enough, held against a plain recount over the whole catalog."""

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommendations.ml.reasons import witnesses_needed
from recommendations.ml.scorer import Scorer
from recommendations.ml.triples import AnyOfThree
from tests.examples import examples
from tests.ml.made_artifact import make_artifact
from tests.ml.test_pairs import Either, ahead, either_enough, or_shop, rivals_of, shown
from tests.ml.test_reasons import N, made_history


@pytest.fixture(scope="module")
def scorer(tmp_path_factory):
    directory = tmp_path_factory.mktemp("artifact")
    make_artifact(directory, n=N)
    return Scorer.open(directory)


@settings(max_examples=examples(60), deadline=None)
@given(
    items=st.lists(st.integers(1, N), min_size=4, max_size=12),
    limit=st.integers(3, 25),
    fewer=st.integers(0, 2),
)
def test_any_of_the_three_keeps_it_and_without_all_it_is_out(scorer, items, limit, fewer):
    history = made_history(items)
    pool, either = either_enough(scorer, history)
    three = AnyOfThree(either.left, either, rivals_of(history))
    for item, place in shown(pool, limit).items():
        found = three.cause(item, place, limit, limit - fewer)
        if found is None:
            continue
        anchors = found.cause.anchors
        assert ahead(scorer, history, item, *anchors) >= witnesses_needed(found.cause.rank_before, limit)
        for some in [*combinations(anchors, 1), *combinations(anchors, 2)]:
            assert ahead(scorer, history, item, *some) < limit - fewer
        for kept, rank in zip(anchors, found.ranks_with_one, strict=True):
            others = [anchor for anchor in anchors if anchor != kept]
            assert ahead(scorer, history, item, *others) < rank <= limit - fewer
        assert 0.5 <= found.cause.share <= 1
        assert found.cause.rank_after > limit


def three_of(scorer, *items, nameable=None):
    history = made_history(items)
    _, either = either_enough(scorer, history, 12, nameable)
    return AnyOfThree(either.left, either, rivals_of(history, 12))


def test_three_that_each_keep_it_are_named():
    found = three_of(or_shop(1, 2, 3), 1, 2, 3, 4).cause(12, 1, 3, 3)
    assert found.cause.anchors == (1, 2, 3)
    assert (found.cause.rank_before, found.cause.rank_after) == (1, 8)  # behind 5 to 11
    assert found.ranks_with_one == (1, 1, 1)
    # -1.2 against the third best of 5 to 11, which scores -0.7
    assert found.cause.margins[found.cause.limit - 1] == pytest.approx(-0.7 + 1.2, abs=1e-5)


def test_two_that_are_enough_are_no_three():
    assert three_of(or_shop(1, 2), 1, 2, 3, 4).cause(12, 1, 3, 3) is None


def test_one_of_four_that_each_keep_it_is_no_three():
    assert three_of(or_shop(1, 2, 3, 4), 1, 2, 3, 4, 5).cause(12, 1, 3, 3) is None


def test_it_must_stay_though_promotions_take_places():
    # With 2 or with 3 alone it is the second, behind 4, which scores -0.4.
    scorer = Either(lambda met: 6.0 * (1 in met) + 0.7 * bool({2, 3} & met))
    three = three_of(scorer, 1, 2, 3, 5)
    found = three.cause(12, 1, 3, 3)
    assert sorted(found.ranks_with_one) == [1, 2, 2]
    assert three.cause(12, 1, 3, 1) is None


def test_what_must_not_be_named_is_in_no_three():
    assert three_of(or_shop(1, 2, 3), 1, 2, 3, 4, nameable=(1, 2, 4)).cause(12, 1, 3, 3) is None


def test_a_history_of_three_is_left_to_what_a_stranger_sees():
    assert three_of(or_shop(1, 2, 3), 1, 2, 3).cause(12, 1, 3, 3) is None
