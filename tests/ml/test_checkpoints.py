"""A fit that was killed goes on from its checkpoint and ends with the same bytes."""

import os
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from recommendations.ml.interactions import InteractionLog
from recommendations.ml.training import together
from recommendations.ml.training.checkpoints import Checkpoint, fingerprint
from recommendations.ml.training.fit import FitSettings, fit
from recommendations.ml.training.network import NetworkSettings
from recommendations.ml.training.tables import build_tables
from recommendations.ml.training.together import Team
from tests.ml.made_shop import chain_shop

N, STEPS = 40, 9
# Three steps a pass; fewer negatives than products, so that they are drawn.
SETTINGS = FitSettings(network=NetworkSettings(width=8, feed_forward=16, dropout=0.3), rows=6, negatives=16)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def made_log():
    return chain_shop(shoppers=60)


def a_fit(directory, report=lambda share: None, every=0.0, mark="this fit"):
    """The fit's weights; with `directory` None without checkpoints."""
    log = made_log()
    tables = build_tables(log, N, int(log.time.max()) + 1)
    checkpoint = directory and Checkpoint(directory, "fit", mark, every)
    network = fit(log, tables, STEPS, SETTINGS, report, checkpoint)
    return b"".join(tensor.numpy().tobytes() for tensor in network.state_dict().values())


@pytest.fixture(scope="module")
def whole():
    """The weights of a fit that nobody disturbs."""
    return a_fit(None)


class Killed(BaseException):
    pass


def stop_at(step):
    def report(share):
        if share == step / STEPS:
            raise Killed

    return report


def shares_of(directory, **options):
    shares = []
    weights = a_fit(directory, shares.append, **options)
    return weights, shares


@pytest.mark.parametrize("step", range(1, STEPS))
def test_from_any_step_the_fit_ends_with_the_same_bytes(whole, tmp_path, step):
    with pytest.raises(Killed):
        a_fit(tmp_path, stop_at(step))
    weights, shares = shares_of(tmp_path)
    assert weights == whole
    assert shares[0] == step / STEPS


def test_killed_twice(whole, tmp_path):
    for step in (2, 7):
        with pytest.raises(Killed):
            a_fit(tmp_path, stop_at(step))
    assert a_fit(tmp_path) == whole


def test_keeping_checkpoints_changes_nothing(whole, tmp_path):
    assert a_fit(tmp_path) == whole


def test_a_fit_that_had_ended_is_not_done_again(whole, tmp_path):
    a_fit(tmp_path, every=1e9)
    assert shares_of(tmp_path) == (whole, [1.0])


def test_between_two_checkpoints_nothing_is_written(tmp_path):
    with pytest.raises(Killed):
        a_fit(tmp_path / "folder", stop_at(8), every=1e9)
    assert not (tmp_path / "folder").exists()


KILL_ITSELF = """
import os, signal, sys
from pathlib import Path
import torch
torch.set_num_threads(1)
from tests.ml.test_checkpoints import STEPS, a_fit

def report(share):
    if share == 5 / STEPS:
        os.kill(os.getpid(), signal.SIGKILL)

a_fit(Path(sys.argv[1]), report)
"""


def test_a_process_that_is_really_killed(whole, tmp_path):
    killed = subprocess.run([sys.executable, "-c", KILL_ITSELF, tmp_path], check=False, env=os.environ)
    assert killed.returncode == -signal.SIGKILL
    weights, shares = shares_of(tmp_path)
    assert weights == whole
    assert shares[0] == 5 / STEPS


def stopped(directory):
    with pytest.raises(Killed):
        a_fit(directory, stop_at(4))
    (stored,) = directory.glob("*.npz")
    return stored, directory / "fit.json"


def test_one_pair_of_files_is_kept_and_only_its_owner_reads_it(tmp_path):
    folder = tmp_path / "folder"
    stopped(folder)
    assert len(list(folder.iterdir())) == 2
    assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("damage", ["cut", "flipped", "missing", "no json", "half a json", "another format"])
def test_what_is_damaged_is_no_checkpoint(whole, tmp_path, damage):
    stored, told = stopped(tmp_path)
    content = stored.read_bytes()
    middle = len(content) // 2
    {
        "cut": lambda: stored.write_bytes(content[:middle]),
        "flipped": lambda: stored.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]),
        "missing": stored.unlink,
        "no json": told.unlink,
        "half a json": lambda: told.write_text(told.read_text()[:60]),
        "another format": lambda: told.write_text(told.read_text().replace('"format": 1', '"format": 0')),
    }[damage]()
    weights, shares = shares_of(tmp_path)
    assert weights == whole
    assert shares[0] == 0


def test_another_fits_checkpoint_is_left_alone(whole, tmp_path):
    stopped(tmp_path)
    weights, shares = shares_of(tmp_path, mark="another fit")
    assert (weights, shares[0]) == (whole, 0)


def test_a_full_disk_costs_the_checkpoint_not_the_fit(whole, tmp_path, monkeypatch, caplog):
    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    assert a_fit(tmp_path) == whole
    assert list(tmp_path.iterdir()) == []
    assert "checkpoint_not_written: OSError" in caplog.text
    assert caplog.records[0].event == "checkpoint_not_written"
    assert caplog.records[0].fields["cause"] == "OSError"


def test_the_fingerprint_is_of_everything_the_fit_depends_on():
    log = made_log()
    item = log.item.copy()
    item[5] = item[5] % N + 1
    other = InteractionLog(log.shopper, item, log.kind, log.time)
    found = {
        fingerprint(log, N, 9, STEPS, SETTINGS),
        fingerprint(other, N, 9, STEPS, SETTINGS),
        fingerprint(log, N + 1, 9, STEPS, SETTINGS),
        fingerprint(log, N, 10, STEPS, SETTINGS),
        fingerprint(log, N, 9, STEPS + 1, SETTINGS),
        fingerprint(log, N, 9, STEPS, replace(SETTINGS, seed=1)),
    }
    assert len(found) == 6
    assert fingerprint(made_log(), N, 9, STEPS, SETTINGS) in found


def test_another_number_of_processes_rounds_differently(monkeypatch):
    alone = fingerprint(made_log(), N, 9, STEPS, SETTINGS)
    monkeypatch.setattr(together, "_current", Team(0, 2))
    assert fingerprint(made_log(), N, 9, STEPS, SETTINGS) != alone
