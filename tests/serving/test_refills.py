"""Histories longer than what a score reads: a removal brings older events back, and both promises hold all the same."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recommendations import controls
from recommendations.ml.kinds import Kind
from recommendations.ml.ranking import MixWeights
from recommendations.ml.sequences import READ_LIMIT, REPEAT_WINDOW
from recommendations.serving import RecommendationQuery, recommend
from tests.examples import examples
from tests.ml.made_artifact import WEIGHTS_OF_THE_MIX

from .test_truth import is_out_without_its_anchors, learn, removed, shopper_who, units_of, without

OF_REPEATS = MixWeights(table=0.5, table_eps=0.1, repeat=2.0, repeat_decay=0.8, network=0.5, bought=3.0)


def long_history(rng, few):
    """Events with many products, and over them `few` others that fill all that a score reads."""
    older, newer = [Kind.VIEW, Kind.ADD_TO_CART, Kind.PURCHASE], [Kind.VIEW, Kind.VIEW, Kind.VIEW, Kind.SAVE]
    first = [(int(rng.integers(0, 40)), older[rng.integers(3)]) for _ in range(rng.integers(20, 350))]
    filling = rng.choice(np.arange(40, 60), few, replace=False)
    return [*first, *((int(rng.choice(filling)), newer[rng.integers(4)]) for _ in range(REPEAT_WINDOW))]


# With what a removal brings back taken for a witness or a rival, each of these has a false reason.
@pytest.mark.parametrize(("seed", "few"), [(38, 1), (31, 2), (14, 4), (27, 4)])
def test_what_a_removal_brings_back_makes_no_reason_false(products, popular, now, seed, few):
    rng = np.random.default_rng(seed)
    learn(seed % 5, OF_REPEATS if seed % 2 else WEIGHTS_OF_THE_MIX)
    events = long_history(rng, few)
    shopper = shopper_who(events, products, now)
    for place in rng.choice(40, 3, replace=False):
        controls.remove(shopper, product_id=products[place].product_id, now=now)
    causal = []
    for placement in ("home", "new_for_you"):
        query = RecommendationQuery(placement, shopper, limit=5, now=now)
        for place, _ in events[-2:]:
            predicted = recommend(without(query, products[place]))
            assert removed(query, products[place]).product_ids == predicted.product_ids
        causal += [(query, entry) for entry in recommend(query).recommendations if entry.reason.kind == "because"]
    assert causal
    for query, entry in causal:
        assert is_out_without_its_anchors(query, entry)
        if entry.reason.tier == "T2":  # either of the two keeps it
            assert all(entry.card.product_id in removed(query, unit).product_ids for unit in units_of(entry.reason))


@settings(max_examples=examples(3), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 1_000), extra=st.integers(-5, 40))
def test_prediction_holds_for_histories_longer_than_what_is_read(products, popular, now, seed, extra):
    places = [(seed * 7 + k * k + k // 3) % 50 for k in range(READ_LIMIT + extra)]
    shopper = shopper_who([(place, Kind.PURCHASE) for place in places], products, now)
    query = RecommendationQuery("home", shopper, limit=10, now=now)
    for place in sorted(set(places))[:3]:
        predicted = recommend(replace(query, without=(products[place].product_id,)))
        assert removed(query, products[place]).product_ids == predicted.product_ids
    for entry in recommend(query).recommendations:
        if entry.reason.kind == "because":
            assert is_out_without_its_anchors(query, entry)


def test_a_sole_product_of_the_window_is_not_the_only_one_of_the_history(products, popular, now):
    events = [(k, Kind.PURCHASE) for k in range(20)] + [(50, Kind.VIEW)] * REPEAT_WINDOW
    query = RecommendationQuery("home", shopper_who(events, products, now), limit=5, now=now)
    for entry in recommend(query).recommendations:
        assert entry.reason.kind != "because" or is_out_without_its_anchors(query, entry)
