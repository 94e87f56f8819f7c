from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from recommendations.auditing.gate import Verdict
from recommendations.ml.artifact import MANIFEST
from recommendations.retraining import lease, running
from tests.ml.made_artifact import make_artifact
from tests.retraining.made_shop import make_shop


@pytest.fixture(autouse=True)
def _temporary_files_of_their_own(monkeypatch, tmp_path):
    """So that no test goes on from what another one left when its training failed."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


@pytest.fixture(autouse=True)
def _artifacts_of_their_own(storage_of_its_own):
    """For every test here."""


@pytest.fixture
def shop(db):
    make_shop(books=12, shoppers=6, events=4)


@dataclass
class Settings:
    seed: int = 0


class Trainer:
    """Stands in for the training: what it is to do in the middle, and what it is to return."""

    def __init__(self):
        self.refusal = ""
        self.metrics = {"repeats_allowed": {"recommender": {"ndcg@10": 0.5}, "popularity": {"ndcg@10": 0.25}}}
        self.middle = lambda: None
        self.seen = None
        self.verdict = Verdict({"gate": {"claims": 3}}, "")

    def check_reasons(self, version, directory, training_seconds, report):
        assert (directory / MANIFEST).is_file()
        assert version.artifact == ""  # nobody is served by it yet
        report(0.5)
        return self.verdict

    def train(self, log, vocabulary, directory, settings, report, index, checkpoints, before, words_before):
        self.seen = SimpleNamespace(
            log=log, vocabulary=vocabulary, settings=settings, checkpoints=checkpoints, before=before, index=index
        )
        report("judged fit", 0.0)
        self.middle()
        report("final fit", 0.5)
        if not self.refusal:
            names = [vocabulary.product_id(k) for k in range(1, len(vocabulary) + 1)]
            make_artifact(directory, product_ids=names)  # one export serves all tests
        return SimpleNamespace(
            accepted=not self.refusal,
            refusal=self.refusal,
            metrics=self.metrics,
            data={"interactions": len(log)},
            steps=3,
            start={"cold": before.why_cold, "warm_starts": 0},
            current={},
            mix={},
            timings={},
            parity={},
        )


@pytest.fixture
def heart_at_rest(monkeypatch):
    """The heart's thread has a connection of its own, for which a row of a test's transaction does not exist."""
    monkeypatch.setattr(lease, "BEATS", 0.001)


@pytest.fixture
def trainer(monkeypatch, heart_at_rest):
    stand_in = Trainer()
    monkeypatch.setattr(running, "check_reasons", stand_in.check_reasons)
    monkeypatch.setattr(running, "_trainer", lambda settings: (stand_in.train, Settings(**settings)))
    return stand_in
