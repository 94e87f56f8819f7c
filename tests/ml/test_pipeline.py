import json
from dataclasses import asdict, replace

import numpy as np
import pytest

from recommendations.ml.artifact import verify
from recommendations.ml.interactions import InteractionLog
from recommendations.ml.kinds import Kind
from recommendations.ml.ranking import top_k
from recommendations.ml.scorer import Scorer
from recommendations.ml.sequences import History
from recommendations.ml.splitting import NotEnoughData
from recommendations.ml.text import build_index
from recommendations.ml.training.pipeline import train
from recommendations.ml.training.progress import STAGES
from tests.ml.made_shop import DAY, FAST, chain_shop, noise_shop, vocabulary_of

BASELINES = {"popularity", "recent_popularity", "item_neighbours", "next_item_table", "bought_before"}


class Trained:
    """The chain shop, trained once for all tests."""

    def __init__(self, directory):
        self.directory = directory
        self.reports = []
        self.result = train(
            chain_shop(), vocabulary_of(40), directory, FAST, lambda stage, share: self.reports.append((stage, share))
        )


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    return Trained(tmp_path_factory.mktemp("chain"))


@pytest.fixture(scope="module")
def refused(tmp_path_factory):
    directory = tmp_path_factory.mktemp("noise")
    return directory, train(noise_shop(), vocabulary_of(40), directory, FAST)


def viewed(*items):
    return History.of(items, [Kind.VIEW] * len(items))


def test_planted_structure_is_found_and_beats_every_baseline(trained):
    assert trained.result.accepted
    assert trained.result.refusal == ""
    methods = trained.result.metrics["new_products"]
    assert methods["recommender"]["ndcg@10"] > max(methods[name]["ndcg@10"] for name in BASELINES)
    assert set(methods) == BASELINES | {"recommender", "network"}


def test_the_served_artifact_knows_what_was_planted(trained):
    scorer = Scorer.open(trained.directory)
    by_one, by_seven = scorer.scores([viewed(3, 4, 5, 6, 7), viewed(1, 8, 15, 22)])
    assert 8 in top_k(by_one, 3)
    assert 29 in top_k(by_seven, 3)


def test_where_nobody_turns_to_a_product_twice_what_was_bought_does_not_lead(trained):
    weights = trained.result.mix["weights"]
    assert weights["bought"] < -12 == -weights["repeat"]
    bought = History.of([3, 4, 5, 6, 7], [Kind.PURCHASE] * 5)
    listed = top_k(Scorer.open(trained.directory).scores([bought])[0], 20)
    assert 8 in listed[:3]
    assert not set(listed.tolist()) & {3, 4, 5, 6, 7}


def test_a_kind_never_trained_works_too(trained):
    scorer = Scorer.open(trained.directory)
    assert scorer.manifest.trained_kinds == (Kind.VIEW, Kind.PURCHASE)
    saved = History.of([3, 4, 5, 6, 7], [Kind.SAVE] * 5)
    assert 8 in top_k(scorer.scores([saved])[0], 3)


def test_the_artifact_is_whole_and_named(trained):
    manifest = verify(trained.directory)
    assert manifest.version == trained.result.version
    assert manifest.eps == trained.result.parity["eps"] >= 1e-6
    assert asdict(manifest.weights) == trained.result.mix["weights"]
    assert Scorer.open(trained.directory).vocabulary == vocabulary_of(40)


def test_popularity_counts_all_rows_after_the_refit(trained):
    popularity = np.load(trained.directory / "popularity.npy")
    assert popularity.sum() == len(chain_shop())


def test_progress_goes_through_all_stages_to_the_end(trained):
    stages = list(dict.fromkeys(stage for stage, _ in trained.reports))
    shares = [share for _, share in trained.reports]
    assert stages == list(STAGES)
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1)


def test_result_is_json_and_says_what_was_seen(trained):
    found = json.loads(json.dumps(asdict(trained.result)))
    assert found["data"]["interactions"] == 240 * 14
    assert found["data"]["shoppers"] == 240
    assert found["data"]["first"] < found["data"]["cutoff"] < found["data"]["last"]
    assert sum(found["data"]["by_kind"].values()) == found["data"]["interactions"]
    assert set(found["timings"]) == {*STAGES, "total"}
    assert found["steps"] == FAST.steps


def test_a_protocol_that_the_data_cannot_answer_is_named(trained):
    assert trained.result.data["left_out"] == [
        "repeats_allowed: 0 shoppers came back to a product they knew, 50 are needed"
    ]


def test_noise_is_refused_with_figures(refused):
    directory, result = refused
    assert not result.accepted
    assert result.refusal.startswith("The recommender does not beat every baseline. repeats_allowed: NDCG@10 0.")
    assert set(result.metrics) == {"repeats_allowed", "new_products"}
    assert result.version == ""
    assert list(directory.iterdir()) == []


def test_report_may_cancel(tmp_path):
    class Cancelled(Exception):
        pass

    def cancel(stage, share):
        if stage == "judged fit":
            raise Cancelled

    with pytest.raises(Cancelled):
        train(chain_shop(), vocabulary_of(40), tmp_path, FAST, cancel)


def test_the_clock_only_gives_up(tmp_path):
    with pytest.raises(TimeoutError, match=r"given up in stage 'count' .* raise max_seconds \(now 0\) or lower steps"):
        train(chain_shop(), vocabulary_of(40), tmp_path, replace(FAST, max_seconds=0.0))


def test_too_few_shoppers(tmp_path):
    with pytest.raises(NotEnoughData, match=r"\d+ shoppers have interactions both before .* 50 are needed"):
        train(chain_shop(shoppers=30), vocabulary_of(40), tmp_path, FAST)


def test_one_product_only(tmp_path):
    log = InteractionLog.from_rows([1, 2], [1, 1], [Kind.VIEW] * 2, [1, 2])
    with pytest.raises(NotEnoughData, match="2 interactions with 1 products; at least 2 products are needed"):
        train(log, vocabulary_of(40), tmp_path, FAST)


def test_no_interactions_at_all(tmp_path):
    with pytest.raises(NotEnoughData, match="nobody has done anything yet"):
        train(InteractionLog.from_rows([], [], [], []), vocabulary_of(40), tmp_path, FAST)


def test_a_log_of_another_vocabulary(tmp_path):
    with pytest.raises(ValueError, match="names item 40, the vocabulary ends at 39"):
        train(chain_shop(), vocabulary_of(39), tmp_path, FAST)


class Killed(BaseException):
    pass


def test_a_training_killed_in_its_final_fit_ends_with_the_same_artifact(trained, tmp_path):
    def kill(stage, share):
        if stage == "export":
            raise Killed

    with pytest.raises(Killed):
        train(chain_shop(), vocabulary_of(40), tmp_path, FAST, kill, checkpoints=tmp_path / "kept")
    kept = sorted(file.name for file in (tmp_path / "kept").glob("*.json"))
    assert kept == ["final-fit.json", "judged-fit.json"]
    stages = []
    again = train(
        chain_shop(),
        vocabulary_of(40),
        tmp_path,
        FAST,
        lambda stage, share: stages.append(stage),
        checkpoints=tmp_path / "kept",
    )
    assert again.version == trained.result.version
    assert (stages.count("judged fit"), stages.count("final fit")) == (2, 2)  # begun, and there already


def test_likeness_that_pays_is_fitted_stored_and_served(tmp_path):
    # Forty brands are more than sixteen numbers a product can tell, and of twenty products few follow each other.
    n, rng = 800, np.random.default_rng(0)
    items = np.stack([rng.choice(20, 5, replace=False) * 40 + brand + 1 for brand in rng.integers(0, 40, 300)])
    shopper, time = np.repeat(np.arange(len(items)), 5), np.tile(np.arange(5) * 2 * DAY, len(items))
    log = InteractionLog.from_rows(shopper, items.ravel(), np.full(items.size, Kind.PURCHASE), time)
    index = build_index([f"brand{k % 40}" for k in range(n)])
    settings = replace(FAST, steps=1, standard_errors=-1000.0)
    result = train(log, vocabulary_of(n), tmp_path, settings, index=index)
    assert result.accepted
    assert all("counted" in methods for methods in result.metrics.values())
    weight = result.mix["weights"]["likeness"]
    assert weight > 0
    table = Scorer.open(tmp_path).score.next_item
    others, values = table.row(1)
    met = set(table.followers(1)[0].tolist())
    same_brand = {1 + 40 * k for k in range(1, 20)}
    assert same_brand <= set(others.tolist())
    alone = [value for other, value in zip(others.tolist(), values.tolist(), strict=True) if other not in met]
    assert alone == pytest.approx([weight] * len(alone))
    assert result.parity["largest_difference"]["in_batch"] < 1e-3
