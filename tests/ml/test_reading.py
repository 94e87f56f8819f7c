"""The best of the catalog, found by bounds, are those that scoring all of it finds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommendations.ml import reading
from recommendations.ml.kinds import Kind
from recommendations.ml.newcomers import Newcomer
from recommendations.ml.ranking import MixWeights, top_k
from recommendations.ml.reading import Reading
from recommendations.ml.scorer import Scorer
from recommendations.ml.sequences import Bag, History
from tests.examples import examples
from tests.ml.made_artifact import make_artifact

N = 2_000
MIXES = {
    "usual": MixWeights(table=0.5, table_eps=0.01, repeat=1.0, repeat_decay=0.98),
    "against what follows": MixWeights(table=-0.5, table_eps=0.01, repeat=1.0, repeat_decay=0.98),
    "against what was bought": MixWeights(table=0.5, table_eps=1e-6, repeat=-3.0, repeat_decay=0.98, bought=-2.0),
    "the network turned round": MixWeights(table=0.1, table_eps=0.5, repeat=1.0, repeat_decay=0.98, network=-0.3),
}


@pytest.fixture(scope="module")
def scorers(tmp_path_factory):
    made = {}
    for name, weights in MIXES.items():
        directory = tmp_path_factory.mktemp("artifact")
        make_artifact(directory, n=N, weights=weights)
        made[name] = Scorer.open(directory)
    return made


@pytest.fixture(autouse=True)
def always_rough(monkeypatch):
    monkeypatch.setattr(reading, "FEWEST_FOR_ROUGH", 1)


@pytest.mark.parametrize("mix", MIXES)
@settings(max_examples=examples(40), deadline=None)
@given(
    items=st.lists(st.integers(1, N), min_size=1, max_size=20),
    kind=st.sampled_from([Kind.VIEW, Kind.PURCHASE]),
    count=st.sampled_from([1, 10, 100, N]),
    newcomers=st.integers(0, 3),
    hidden_share=st.sampled_from([0.0, 0.5, 0.99]),
)
def test_the_best_are_the_best_of_all(scorers, mix, items, kind, count, newcomers, hidden_share):
    scorer, rng = scorers[mix], np.random.default_rng(len(items))
    if newcomers:
        like_first = Bag(np.array([items[0]], np.int32), np.ones(1, np.float32))
        scorer = scorer.with_newcomers([Newcomer(f"new {k}", like_first) for k in range(newcomers)])
    eligible = rng.random(N + 1 + newcomers) >= hidden_share
    eligible[0] = False
    found = Reading.of(scorer, History.of(items, [kind] * len(items)))
    scores = np.where(eligible, found.scores, np.float32(-np.inf))
    expected = top_k(scores, count)
    best, values = found.best(eligible, count)
    assert len(best) == len(expected)
    assert values == pytest.approx(scores[expected], abs=scorer.eps)
    assert scores[best] == pytest.approx(values, abs=scorer.eps)
    assert best.dtype == np.int32


def test_few_are_scored(scorers, monkeypatch):
    found = Reading.of(scorers["usual"], History.of([5, 6, 7], [Kind.VIEW] * 3))
    eligible = np.ones(N + 1, bool)
    eligible[0] = False
    scored = []
    monkeypatch.setattr(
        type(scorers["usual"].score), "score", lambda _, hidden, histories, items: scored.extend(items) or [items * 1.0]
    )
    found.best(eligible, 10)
    assert 10 <= len(scored) < 100
    assert 0 not in scored
