"""The benchmark's second opinion on claims: it confirms what serving finds, and objects to what is made up."""

import numpy as np
import pytest

from benchmarks.claims import Claim, printed_claims
from benchmarks.recheck import Recheck
from recommendations.ml.kinds import Kind
from recommendations.ml.lists_without import ListsWithout
from recommendations.ml.scorer import Scorer
from recommendations.ml.sequences import History
from recommendations.ml.training.reference import ReferenceScorer
from tests.ml.made_artifact import make_artifact

N, LIMIT = 60, 4
POPULARITY = np.arange(N + 1)


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    directory = tmp_path_factory.mktemp("artifact")
    make_artifact(directory, n=N)
    return Scorer.open(directory), Recheck(ReferenceScorer.open(directory), POPULARITY, LIMIT)


def history_of(*items):
    return History.of(items, [Kind.PURCHASE] * len(items))


def printed(shop, history):
    return [claim for claim in printed_claims(ListsWithout(shop[0], history, POPULARITY, LIMIT)) if claim]


def test_what_serving_finds_is_confirmed_of_one_product_and_of_two(shop):
    rng = np.random.default_rng(0)
    found = {"T1": 0, "T2": 0}
    for _ in range(15):
        history = history_of(*(rng.choice(N, rng.integers(2, 8)) + 1).tolist())
        claims = printed(shop, history)
        assert shop[1].faults(history, claims) == [[] for _ in claims]
        for claim in claims:
            found[claim.tier] += 1
    assert min(found.values()) > 0


def test_an_only_product_is_named_unless_strangers_see_the_item_too(shop):
    for item in range(1, N + 1):
        history = history_of(item)
        claims = printed(shop, history)
        assert {claim.anchors for claim in claims} <= {(item,)}
        assert shop[1].faults(history, claims) == [[] for _ in claims]
        # Of 60 products the most popular ones are 60, 59, ...; only the first few are shown to strangers.
        assert not {claim.item for claim in claims} & set(range(N - LIMIT + 1, N + 1))


def test_made_up_claims_have_faults(shop):
    scorer, recheck = shop
    history = history_of(3, 14, 15, 9, 2, 6)
    lists = ListsWithout(scorer, history, POPULARITY, LIMIT)
    for place, item in enumerate(lists.shown):
        for unit in lists.units:
            stays = lists.of(place)(frozenset({unit})).rank <= LIMIT
            faults = recheck.faults(history, [Claim(item, (unit,))])[0]
            assert stays == any(fault.startswith("still at") for fault in faults)
    last = int(lists.pool[LIMIT])
    assert any(fault.startswith("shown at 5 of 4") for fault in recheck.faults(history, [Claim(last, (6,))])[0])


def test_a_pair_of_which_one_is_enough_to_lose_the_item_is_not_minimal(shop):
    history = next(h for h in (history_of(k, k + 1, k + 2, k + 3) for k in range(1, N - 3)) if printed(shop, h))
    claim = next(claim for claim in printed(shop, history) if claim.tier == "T1")
    other = next(unit for unit in history.units() if unit != claim.anchors[0])
    faults = shop[1].faults(history, [Claim(claim.item, (claim.anchors[0], other))])[0]
    assert any(f"without {claim.anchors[0]} alone" in fault for fault in faults)
