"""`python -m benchmarks.explanations` from a file to its figures, on a recommender that learned nothing."""

import gzip
import json

import numpy as np
import pytest

from benchmarks import explainers, explaining_speed, explanations
from benchmarks.public_shops import Fitted
from recommendations.ml.kinds import Kind
from recommendations.ml.scorer import Scorer
from recommendations.ml.training.network import Network, NetworkSettings
from tests.ml.made_artifact import make_artifact

PRODUCTS, SHOPPERS = 40, 8
NAIVE = {"last_viewed", "most_similar", "most_frequent", "top_attention", "random"}


def made_fit(shop, directory, settings, texts):
    make_artifact(directory, n=len(shop.vocabulary), seed=settings.seed)
    network = Network(len(shop.vocabulary), NetworkSettings(width=16)).eval()
    return Fitted(network, Scorer.open(directory), shop.events_of_items(), (int(Kind.PURCHASE),))


@pytest.fixture
def measured(tmp_path, monkeypatch):
    """measured(claims): the figures of a made-up file, over two seeds."""
    rng = np.random.default_rng(0)
    lines = []
    for shopper in range(1, SHOPPERS + 1):
        items = rng.permutation(PRODUCTS)[: 2 + shopper % 6] + 1
        lines.append(" ".join(map(str, [shopper, *items.tolist(), PRODUCTS])))
    (tmp_path / "Shop.txt.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    monkeypatch.setattr(explanations, "fit_recommender", made_fit)
    monkeypatch.setattr(explainers, "PERMUTATIONS", 5)
    out = tmp_path / "out.json"
    small = ["--shoppers", "2", "--compared", "1", "--calls", "1", "--planted", "0"]

    def run(claims):
        arguments = ["--data", str(tmp_path / "Shop.txt.gz"), "--seeds", "2", *small, "--claims", str(claims)]
        explanations.main([*arguments, "--json", str(out)])
        return json.loads(out.read_text())

    return run


@pytest.fixture
def told(measured):
    return measured(30)


def test_no_seed_looks_at_a_shoppers_claims_twice(measured, monkeypatch):
    check, checked = explanations._check, []

    def noted(measuring, history, *others):
        checked.append((measuring, history))
        check(measuring, history, *others)

    monkeypatch.setattr(explanations, "_check", noted)
    measured(10_000)  # more than there are: everybody is looked at
    assert len(checked) == 2 * SHOPPERS
    assert len({(id(measuring), id(history)) for measuring, history in checked}) == len(checked)


def test_figures_have_the_names_that_others_read_and_are_consistent(told):
    assert told["claims"] == sum(told["claims_by_kind"].values()) == 60
    assert told["false"] == 0, told["faults"]
    assert told["coverage"].keys() <= explanations.STRATA.keys()
    for tiers in told["coverage"].values():
        assert sum(tiers.values()) == pytest.approx(1, abs=1e-3)
    assert told["false_reason_rate"].keys() == told["false_reason_rate_on_claims"].keys() == NAIVE | {"ours"}
    assert told["false_reason_rate_on_claims"]["ours"] == {"strict": 0, "lenient": 0}
    for rates in told["false_reason_rate"].values():
        assert rates["lenient"] <= rates["strict"]
    assert told["latency_ms"]["16"].keys() == {"p50", "p99", "lists"}
    assert told["latency_ms"]["16"]["lists"] == 2  # one of each seed
    named = [
        (int(tier[1]), share * told["shown_by_stratum"][stratum])
        for stratum, tiers in told["coverage"].items()
        for tier, share in tiers.items()
        if tier != "T0"
    ]
    mean = sum(count * shown for count, shown in named) / sum(shown for _, shown in named)
    assert told["anchors_per_reason"] == pytest.approx(mean, abs=1e-3)
    assert told["planted"] == {}
    for method in told["delp"]:  # by construction
        assert told["delp"]["ours"]["1"] <= told["delp"][method]["1"] + 1e-4


def test_what_explaining_costs_a_page_holds_the_look_for_pairs(tmp_path):
    explaining_speed.main(["--products", "300", "--calls", "2", "--runs", "1", "--json", str(tmp_path / "told.json")])
    told = json.loads((tmp_path / "told.json").read_text())
    for distinct in ("16", "50"):
        parts = told["parts"][distinct]
        assert told["latency_ms"][distinct] == {p: parts["causes_and_pairs"][p]["median"] for p in ("p50", "p99")}
        assert told["causes_ms"][distinct] == {p: parts["causes"][p]["median"] for p in ("p50", "p99")}
