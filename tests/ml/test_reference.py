from dataclasses import replace

import numpy as np
import pytest

from recommendations.ml.artifact import ArtifactError
from recommendations.ml.kinds import Kind
from recommendations.ml.scorer import Scorer
from recommendations.ml.sequences import History
from recommendations.ml.training.parity import check_parity
from recommendations.ml.training.reference import ReferenceScorer
from tests.ml.made_artifact import WEIGHTS_OF_THE_MIX, make_artifact

RANDOM = np.random.default_rng(0)
HISTORIES = [
    History.of([3], [Kind.VIEW]),
    History.of([3, 3, 5], [Kind.VIEW, Kind.PURCHASE, Kind.SAVE]),
    History.of(RANDOM.integers(1, 31, 280), RANDOM.choice([Kind.VIEW, Kind.PURCHASE, Kind.ADD_TO_CART], 280), False),
]


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    directory = tmp_path_factory.mktemp("artifact")
    make_artifact(directory, n=30, trained_kinds=(Kind.VIEW, Kind.PURCHASE))
    return directory


@pytest.mark.parametrize("history", HISTORIES)
def test_the_two_paths_agree(directory, history):
    ours, theirs = ReferenceScorer.open(directory).scores(history), Scorer.open(directory).scores([history])[0]
    assert ours.dtype == np.float32
    assert ours[0] == theirs[0] == -np.inf
    np.testing.assert_allclose(ours[1:], theirs[1:], rtol=0, atol=1e-4)


@pytest.mark.parametrize("history", HISTORIES)
def test_the_two_paths_read_the_table_as_far_back(tmp_path, history):
    make_artifact(tmp_path, weights=replace(WEIGHTS_OF_THE_MIX, table=3.0, table_reads=50, table_fade=1.0))
    test_the_two_paths_agree(tmp_path, history)


def test_empty_history_is_refused(directory):
    with pytest.raises(ValueError, match="the history is empty"):
        ReferenceScorer.open(directory).scores(History.of([], []))


def test_parity_compares_histories_and_their_removals(directory):
    shares = []
    parity = check_parity(directory, HISTORIES, shares.append)
    assert parity["histories"] == 1 + 3 + 16
    assert 0 < parity["largest_difference"]["in_batch"] < 1e-4
    assert parity["eps"] == pytest.approx(10 * max(parity["largest_difference"].values()))
    assert shares[-1] == 1


def test_eps_is_never_zero(directory, monkeypatch):
    monkeypatch.setattr(Scorer, "scores", lambda self, histories: np.stack([reference.scores(h) for h in histories]))
    reference = ReferenceScorer.open(directory)
    assert check_parity(directory, HISTORIES[:1], lambda share: None)["eps"] == 1e-6


def test_scores_that_are_no_numbers_are_refused(directory, monkeypatch):
    monkeypatch.setattr(Scorer, "scores", lambda self, histories: np.full((len(histories), 31), np.nan))
    with pytest.raises(ArithmeticError, match="gives scores that are no numbers"):
        check_parity(directory, HISTORIES[:1], lambda share: None)


def test_another_network_than_the_trained_one_is_refused(directory, monkeypatch):
    encode = Scorer.encode
    monkeypatch.setattr(Scorer, "encode", lambda self, histories: encode(self, histories) + np.float32(0.01))
    with pytest.raises(ArithmeticError, match=r"differ by 0\.\d+ from those of the trained one, expected at most 0\.0"):
        check_parity(directory, HISTORIES, lambda share: None)


def test_a_damaged_artifact_is_not_audited(tmp_path):
    make_artifact(tmp_path, n=5)
    (tmp_path / "weights.npz").write_bytes(b"")
    with pytest.raises(ArtifactError, match=r"weights\.npz has sha256"):
        ReferenceScorer.open(tmp_path)
