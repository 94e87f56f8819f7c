"""Two processes make the fit of one, but for rounding, and have the same weights after every step."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from recommendations.ml.sequences import NO_QUERIES
from recommendations.ml.training import together
from recommendations.ml.training.batch import Batch
from recommendations.ml.training.fit_state import Passes
from recommendations.ml.training.helping import batch_from, begun, told_batch, told_fit
from recommendations.ml.training.learner import Learner
from recommendations.ml.training.loss import NegativeSampler
from recommendations.ml.training.network import PooledDropout
from recommendations.ml.training.together import Team, current
from tests.ml.fits_together import CASES, SETTINGS, STEPS, N, fit_case, searched_shop, weights_of
from tests.ml.test_checkpoints import one_thread  # noqa: F401 - for every test

ROOT = Path(__file__).parents[2]
CLOSE = 2e-4
POPULARITY = np.ones(N + 1, np.float32)


@pytest.fixture(scope="module")
def by_two(tmp_path_factory):
    """The folder where two processes left the weights of every case."""
    folder = tmp_path_factory.mktemp("by-two")
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    subprocess.run([*torchrun, "-m", "tests.ml.fits_together", folder], check=True, cwd=ROOT, env=environment)
    return folder


@pytest.mark.parametrize("case", CASES)
def test_two_processes_make_the_fit_of_one(by_two, case):
    alone, found = weights_of(fit_case(case)), np.load(by_two / f"{case}.npz")
    for name, weights in alone.items():
        if not name.endswith("key_value.bias"):  # adding to all keys changes nothing: only rounding moves their bias
            np.testing.assert_allclose(found[name], weights, atol=CLOSE, err_msg=name)


def test_what_is_not_the_same_fit_is_further_apart(by_two):
    one, other = (np.load(by_two / f"{case}.npz")["item_matrix"] for case in ("sampled", "whole catalog"))
    assert np.abs(one - other).max() > 50 * CLOSE


def test_both_have_the_same_bytes_after_every_step(by_two):
    leader, helper = ((by_two / f"steps-{rank}.txt").read_text().split() for rank in (0, 1))
    assert len(leader) == STEPS * len(CASES) + STEPS
    assert leader == helper


def test_stopped_in_the_middle_it_ends_with_the_same_bytes(by_two):
    whole, found = np.load(by_two / "sampled.npz"), np.load(by_two / "resumed.npz")
    assert all(np.array_equal(found[name], whole[name]) for name in whole.files)


@given(count=st.integers(0, 200), size=st.integers(1, 9))
def test_every_row_is_somebodys(count, size):
    parts = [Team(rank, size).part(count) for rank in range(size)]
    assert [row for part in parts for row in range(count)[part]] == list(range(count))
    lengths = [part.stop - part.start for part in parts]
    assert max(lengths) - min(lengths) <= 1


def test_one_process_is_a_team_of_one():
    team = current()
    assert (team.size, team.part(7)) == (1, slice(0, 7))
    team.tell({}, {})
    team.end()


def a_batch():
    log, rng = searched_shop(), np.random.default_rng(0)
    rows = Passes(log, (1, 6), SETTINGS, rng).next_rows()
    return Batch(rows, NegativeSampler(POPULARITY, 8, rng).draw(), 0.01), log.queries


def over_the_wire(numbers, arrays):
    return together._unpacked(together._packed(numbers, arrays))


def test_a_batch_arrives_as_it_was_sent():
    batch, _ = a_batch()
    found = batch_from(*over_the_wire(*told_batch(batch)))
    assert found.rate == batch.rate
    for name, array in vars(batch.rows).items():
        assert getattr(found.rows, name).dtype == array.dtype
        assert np.array_equal(getattr(found.rows, name), array)
    assert all(torch.equal(getattr(found.negatives, name), sent) for name, sent in vars(batch.negatives).items())


@pytest.mark.parametrize("searches", [True, False])
def test_a_helper_begins_with_all_that_the_leader_has(searches):
    batch, queries = a_batch()
    queries = queries if searches else NO_QUERIES
    learner = Learner.fresh(N, SETTINGS.network, queries)
    if searches:
        learner.learn(batch, Team())
    found = begun(*over_the_wire(*told_fit(learner)))
    assert all(np.array_equal(a, b) for a, b in zip(stored(learner), stored(found), strict=True))
    assert found.network.settings == learner.network.settings
    assert found.queries.first == queries.first
    sent = [(bag.items.tolist(), bag.weights.tolist()) for bag in queries.bags]
    assert [(bag.items.tolist(), bag.weights.tolist()) for bag in found.queries.bags] == sent


def stored(learner):
    return learner.stored()[0].values()


def test_processes_take_their_rows_of_one_dropout_mask():
    def masks(*parts):
        torch.manual_seed(0)
        drop, found = PooledDropout(0.5).train(), []
        for part in parts:
            drop.part = part and (part.start, 5)
            rows = 5 if part is None else part.stop - part.start
            found.append(drop(torch.ones(rows, 3, 2)))
        return found

    (whole,) = masks(None)
    for part in (slice(0, 2), slice(2, 5), slice(5, 5)):
        assert torch.equal(masks(part)[0], whole[part])
