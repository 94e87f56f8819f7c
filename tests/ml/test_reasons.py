"""The causes found in a pool, held against a plain recount over the whole catalog."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommendations.ml.kinds import Kind
from recommendations.ml.ranking import top_k
from recommendations.ml.reasons import LEAST_SHARE, LeaveOneOut, least_drop, witnesses_needed
from recommendations.ml.scorer import Scorer
from recommendations.ml.sequences import REPEAT_WINDOW, History
from tests.examples import examples
from tests.ml.made_artifact import make_artifact

N = 60


@pytest.fixture(scope="module")
def scorer(tmp_path_factory):
    directory = tmp_path_factory.mktemp("artifact")
    make_artifact(directory, n=N)
    return Scorer.open(directory)


def made_history(items, kinds=None, complete=True):
    kinds = kinds if kinds is not None else [Kind.VIEW] * len(items)
    return History.of(items, kinds, complete)


def made_pool(scorer, history, size=N):
    """Everything outside the history, best first."""
    scores = scorer.scores([history])[0]
    scores[np.unique(history.items)] = -np.inf
    best = top_k(scores, size).astype(np.int32)
    return best, scores[best]


def leave_one_out(scorer, history, size=N, barred=()):
    pool, scores = made_pool(scorer, history, size)
    return pool, LeaveOneOut(scorer, history, pool, scores, barred)


def places(scores, item, removed):
    """1-based rank of the item among all but the removed."""
    scores = np.delete(scores, removed) if removed else scores
    return int((scores > scores[item - (removed < item)]).sum()) + 1


@pytest.mark.parametrize(("limit", "drop"), [(1, 3), (10, 3), (12, 3), (13, 4), (40, 10)])
def test_least_drop_grows_with_the_list(limit, drop):
    assert least_drop(limit) == drop


def test_witnesses_needed_push_it_out_and_far_enough():
    assert witnesses_needed(rank_before=1, limit=10) == 10
    assert witnesses_needed(rank_before=10, limit=10) == 12


@settings(max_examples=examples(60), deadline=None)
@given(
    items=st.lists(st.integers(1, N), min_size=2, max_size=12),
    kinds=st.lists(st.sampled_from([Kind.VIEW, Kind.ADD_TO_CART, Kind.PURCHASE]), min_size=12, max_size=12),
    limit=st.integers(1, 10),
)
def test_every_cause_holds_in_the_whole_catalog(scorer, items, kinds, limit):
    history = made_history(items, kinds[: len(items)])
    pool, left = leave_one_out(scorer, history, size=30)
    for place, item in enumerate(pool[:limit].tolist(), start=1):
        for cause in left.causes(item, place, limit):
            without = scorer.scores([history.without(*cause.anchors)])[0]
            without[np.unique(history.items)] = -np.inf
            assert int((without > without[item]).sum()) >= witnesses_needed(place, limit)
            assert cause.rank_before == place
            assert cause.rank_after > limit
            assert cause.share >= LEAST_SHARE
            assert all(without[witness] > without[item] for witness in cause.witnesses)
            assert min(cause.margins) > scorer.eps


@settings(max_examples=examples(40), deadline=None)
@given(items=st.lists(st.integers(1, N), min_size=2, max_size=8), limit=st.integers(1, 6))
def test_no_cause_is_missed_when_the_pool_is_the_catalog(scorer, items, limit):
    history = made_history(items)
    pool, left = leave_one_out(scorer, history)
    for place, item in enumerate(pool[:limit].tolist(), start=1):
        found = {cause.anchors[0] for cause in left.causes(item, place, limit)}
        assert found == recounted(scorer, history, pool, item, place, limit)


def recounted(scorer, history, pool, item, place, limit):
    """The units that a plain reading of the definition names."""
    base = scorer.scores([history])[0][pool]
    effects, falls = {}, {}
    for unit in set(history.items.tolist()):
        rest = history.without(unit)
        if len(rest) == 0:
            continue
        without = scorer.scores([rest])[0][pool]
        at = pool.tolist().index(item)
        effects[unit] = (base[at] - np.logaddexp.reduce(base)) - (without[at] - np.logaddexp.reduce(without))
        falls[unit] = int((without > without[at] + scorer.eps).sum()) >= witnesses_needed(place, limit)
    strongest = max(effects.values(), default=0)
    return {unit for unit, effect in effects.items() if strongest > 0 and falls[unit] and effect >= strongest / 2}


def test_causes_of_an_item_lead_with_the_strongest_effect(scorer):
    history = made_history([3, 9, 14, 20, 31])
    pool, left = leave_one_out(scorer, history)
    for place, item in enumerate(pool[:10].tolist(), start=1):
        shares = [cause.share for cause in left.causes(item, place, 10)]
        assert shares == sorted(shares, reverse=True)


@settings(max_examples=examples(60), deadline=None)
@given(items=st.lists(st.integers(1, N), min_size=2, max_size=12), limit=st.integers(2, 10))
def test_what_holds_further_down_the_list_holds_further_up_by_the_same_witnesses(scorer, items, limit):
    pool, left = leave_one_out(scorer, made_history(items))
    for item in pool[:limit].tolist():
        up = {cause.anchors: cause.witnesses for cause in left.causes(item, 1, limit)}
        for cause in left.causes(item, limit, limit):
            assert up[cause.anchors] == cause.witnesses


def test_barred_items_are_never_witnesses(scorer):
    history = made_history([3, 9, 14])
    pool, left = leave_one_out(scorer, history)
    free = {w for item in pool[:5].tolist() for cause in left.causes(item, 1, 5) for w in cause.witnesses}
    assert free
    barred = sorted(free)[:3]
    _, left = leave_one_out(scorer, history, barred=barred)
    found = {w for item in pool[:5].tolist() for cause in left.causes(item, 1, 5) for w in cause.witnesses}
    assert not found & set(barred)


def test_a_sole_product_has_no_scored_counterfactual(scorer):
    pool, left = leave_one_out(scorer, made_history([7, 7]))
    assert left.units == []
    assert left.causes(int(pool[0]), 1, 5) == []


def test_a_unit_whose_removal_would_bring_in_unread_events_is_not_named(scorer):
    items = [1 + k % 50 for k in range(REPEAT_WINDOW + 2)]  # 1 and 2 occur five times, the others four
    _, left = leave_one_out(scorer, made_history(items, complete=False))
    assert left.units == []
    _, left = leave_one_out(scorer, made_history(items, complete=True))
    assert len(left.units) == 50


def test_effects_do_not_depend_on_how_many_histories_are_scored_at_once(scorer):
    history = made_history([3, 9, 14, 20, 31])
    pool, left = leave_one_out(scorer, history)
    for row, unit in enumerate(left.units):
        alone = scorer.scores([history.without(unit)], pool)[0]
        np.testing.assert_allclose(left.without[row], alone, atol=1e-5)
