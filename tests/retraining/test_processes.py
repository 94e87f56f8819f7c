"""The command under torchrun: one row, one artifact, and whatever happens to a process ends all of them."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from recommendations.exceptions import ProcessLost
from recommendations.models import RecommenderVersion
from recommendations.retraining import lead, retrain
from recommendations.retraining.processes import _termination_raised
from tests.retraining.made_shop import QUICK

ROOT = Path(__file__).parents[2]
TORCHRUN = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
MANAGE = ["-m", "tests.retraining.on_disk"]
TRAIN = ["retrain_recommender", "--settings-json", json.dumps(QUICK)]
# Ends a process that would hang; what does not hang needs a tenth of it.
TOO_LONG = 300


class ShopOnDisk:
    """A shop in a file, and the storage of its artifacts, in one folder."""

    def __init__(self, folder):
        self.folder = folder

    def run(self, *command, fault=""):
        """The ended process."""
        environment = os.environ | {"DATABASE_URL": f"sqlite:///{self.folder / 'db'}", "TMPDIR": str(self.folder)}
        environment |= {"FAULT": fault, "OMP_NUM_THREADS": "1"}
        python = [sys.executable, *command]
        return subprocess.run(
            python, check=False, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=TOO_LONG
        )

    def versions(self):
        """(status, error, metrics) of every version, oldest first."""
        with sqlite3.connect(self.folder / "db") as connection:
            rows = connection.execute("SELECT status, error, metrics FROM recommendations_recommenderversion")
            return [(status, error, json.loads(metrics)) for status, error, metrics in rows]

    def artifacts(self):
        """The files of each, and their sizes but for the texts'."""
        stored = sorted((self.folder / "recommendations-tests").glob("*"))
        return [
            {file.name: file.stat().st_size for file in artifact.iterdir() if file.suffix != ".json"}
            for artifact in stored
        ]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    shop = ShopOnDisk(tmp_path_factory.mktemp("made"))
    shop.run(*MANAGE, "make").check_returncode()
    return shop


@pytest.fixture
def copied(made, tmp_path):
    """Of the shop as it was made, a copy by this name."""

    def copy(name):
        (tmp_path / name).mkdir()
        shutil.copy(made.folder / "db", tmp_path / name)
        return ShopOnDisk(tmp_path / name)

    return copy


@pytest.fixture
def shop_on_disk(copied):
    return copied("by-two")


@pytest.mark.training
def test_a_helper_that_dies_ends_the_training_and_the_next_one_publishes_what_one_process_does(shop_on_disk, copied):
    died = shop_on_disk.run(*TORCHRUN, *MANAGE, *TRAIN, fault="dies 1 5")
    assert died.returncode == 1
    ((status, error, _),) = shop_on_disk.versions()
    assert (status, shop_on_disk.artifacts()) == ("failed", [])
    assert "died" in error
    assert "Start" in error
    shop_on_disk.run(*TORCHRUN, *MANAGE, *TRAIN).check_returncode()
    alone = copied("by-one")
    alone.run(*MANAGE, *TRAIN).check_returncode()
    (_, by_two), (by_one,) = shop_on_disk.versions(), alone.versions()
    assert by_two[0] == by_one[0] == "published"
    assert shop_on_disk.artifacts() == alone.artifacts() != []
    for protocol, methods in by_one[2].items():
        for method, metrics in methods.items():
            assert by_two[2][protocol][method] == pytest.approx(metrics, abs=0.01)


@pytest.mark.training
@pytest.mark.parametrize(
    "fault, status, error",
    [
        ("fails 0 5", "failed", "MemoryError: no room for a gradient (in stage 'judged fit')"),
        ("cancels 0 5", "cancelled", ""),
    ],
)
def test_a_leader_that_ends_early_ends_the_helper(shop_on_disk, fault, status, error):
    ended = shop_on_disk.run(*TORCHRUN, *MANAGE, *TRAIN, fault=fault)
    assert ended.returncode == 1
    assert [version[:2] for version in shop_on_disk.versions()] == [(status, error)]
    assert shop_on_disk.artifacts() == []
    assert ("The leading process of this training died" in ended.stderr) == (status == "failed")


def test_a_leader_that_torchrun_terminates_says_so(shop, trainer):
    trainer.middle = lambda: os.kill(os.getpid(), signal.SIGTERM)
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit, match="torchrun terminated this process"), _termination_raised():
        retrain("anna")
    version = RecommenderVersion.objects.get()
    assert version.status == "failed"
    assert version.error.startswith("The worker was stopped by SystemExit: torchrun terminated this process: another")
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_leader_that_notes_an_error_already_is_not_interrupted():
    """Of a process that died the leader learns by the connection that broke, and from torchrun: whichever is first."""
    noted = []
    with _termination_raised():
        try:
            raise ProcessLost("a process died")
        except ProcessLost as error:
            os.kill(os.getpid(), signal.SIGTERM)
            noted.append(error)
    assert noted


@pytest.mark.parametrize("size", [None, "1"])
def test_one_process_leads_itself(monkeypatch, size):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    if size is not None:
        monkeypatch.setenv("WORLD_SIZE", size)
    done = []
    lead(lambda: done.append("work"))
    assert done == ["work"]
