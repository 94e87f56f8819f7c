"""Peers are asked what we are asked and judged as we are; ratios and floors are what a hand computes."""

import gzip
import json
import sys
from math import log2

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import training_speed
from benchmarks.matmul_floor import step_flop
from benchmarks.peers import environment
from benchmarks.peers.answering import peak_rss_mb
from benchmarks.peers.asking import Budget, ask_peer, pessimistic, write_question
from benchmarks.protocols import ask
from benchmarks.timed_fit import Fit, alone, measure
from benchmarks.training_speed import THREADS, against, floor, main
from recommendations.ml.metrics import rank_pessimistic
from recommendations.ml.training.loss import NegativeSampler
from recommendations.ml.training.network import Network, NetworkSettings
from recommendations.ml.training.windows import ROW_LENGTH, Rows

SHOPPERS, N = 60, 30

# Lists every asked shopper's products in the order of their numbers, at two prices; knows nothing of the targets.
PEER = """
import json, sys
from pathlib import Path
import numpy as np
asked = np.load(sys.argv[1])
assert sys.argv[3:] == ["--cpu-seconds", "1.0", "--wall-seconds", "2.0", "--epochs", "3"], sys.argv
shoppers = len(asked["shoppers"])
items = np.tile(np.arange(1, 12), (shoppers, 1))
points = []
for name, cost, first in (("early", 1.5, 0), ("late", 60.0, 1)):
    np.savez(Path(sys.argv[2]) / f"{name}.npz", items=items, scores=first * -np.arange(11.0) * np.ones((shoppers, 1)))
    points.append({"name": name, "wall_seconds": cost, "cpu_seconds": cost, "peak_rss_mb": 5.0, "lists": f"{name}.npz"})
found = {"settings": {}, "versions": {"made": "1"}, "points": points}
(Path(sys.argv[2]) / "answers.json").write_text(json.dumps(found))
"""


def made_file(folder, last=0):
    """Each shopper goes through the products in their order; `last` moves what all turned to last."""
    file = folder / "Made.txt.gz"
    with gzip.open(file, "wt") as stream:
        for shopper in range(SHOPPERS):
            items = [(shopper + step) % N + 1 for step in range(8)] + [(shopper + 8 + last) % N + 1]
            stream.write(f"{shopper + 1} {' '.join(map(str, items))}\n")
    return file


def made_peer(folder, text=PEER):
    script = folder / "made_fit.py"
    script.write_text(text)
    return script


def stored(question, folder):
    write_question(question, folder / "question.npz")
    with np.load(folder / "question.npz") as found:
        return dict(found)


def test_a_peer_is_told_what_we_know_and_no_target(tmp_path):
    question = ask(str(made_file(tmp_path)), "leave-one-out")
    told = stored(question, tmp_path)
    assert told["shoppers"].tolist() == list(range(1, SHOPPERS + 1))
    assert told["products"] == N
    first = told["fitted"][told["fitted"][:, 0] == 1], told["met"][told["met"][:, 0] == 1]
    assert [rows[:, 1].tolist() for rows in first] == [[1, 2, 3, 4, 5, 6, 7], [1, 2, 3, 4, 5, 6, 7, 8]]
    assert all((np.diff(rows[:, 2]) > 0).all() for rows in first)
    other = stored(ask(str(made_file(tmp_path, last=5)), "leave-one-out"), tmp_path)
    assert all(told[name].tobytes() == other[name].tobytes() for name in told)


@given(st.lists(st.integers(0, 4), min_size=12, max_size=30), st.data())
@settings(max_examples=50)
def test_a_peers_lists_are_judged_as_its_whole_scores_would_be(scores, data):
    target = np.array([data.draw(st.integers(0, len(scores) - 1))])
    scores = np.array(scores, float)
    order = np.argsort(-scores, kind=data.draw(st.sampled_from(["stable", "quicksort"])))[:11]
    items = np.arange(1, len(scores) + 1)
    listed = pessimistic(items[order][None], scores[order][None], [items[target]])[0]
    whole = rank_pessimistic(scores, target, 10)
    assert place_of(items[target][0], listed) == place_of(target[0], whole.tolist())


def place_of(item, ranked):
    return ranked.index(item) if item in ranked else None


def test_empty_places_are_no_items_and_short_lists_are_refused():
    assert pessimistic(np.array([[3, 0] + [0] * 9]), np.array([[1.0] + [-np.inf] * 10]), [np.array([3])]) == [[3]]
    with pytest.raises(ValueError, match="lists of 10"):
        pessimistic(np.ones((1, 10)), np.ones((1, 10)), [np.array([1])])


def test_a_peer_that_fails_is_an_error(tmp_path):
    question = ask(str(made_file(tmp_path)), "leave-one-out")
    with pytest.raises(RuntimeError, match=r"made_fit\.py ended with 3"):
        ask_peer(made_peer(tmp_path, "raise SystemExit(3)"), sys.executable, tmp_path, question.asked, Budget(1, 2, 3))


def one(quality, cost, **more):
    return {"ndcg@10": quality, "cpu_seconds": cost, "wall_seconds": 2 * cost} | more


def test_our_cheapest_fit_that_is_as_good_counts():
    ours = {"served": [one(0.04, 5.0), one(0.06, 30.0), one(0.05, 40.0)], "network": [one(0.03, 2.0)]}
    peer = {"points": [one(0.03, 10.0), one(0.05, 300.0), one(0.045, 600.0)], "settings": {}, "versions": {}}
    found = against(peer, ours)
    assert found["ratio"] == {"served": 300 / 30, "network": None}
    assert found["best"]["ndcg@10"] == 0.05
    assert [point["ratio"] for point in found["curve"]] == [
        {"served": 10 / 5, "network": 10 / 2},
        {"served": 300 / 30, "network": None},
        {"served": 600 / 30, "network": None},
    ]


def test_the_floor_is_work_over_rate():
    found = floor({"sgemm_gflops": [80.0, 100.0, 50.0], "stages": {"fit": [9.0, 6.0]}, "flop": 400e9})
    assert found["floor_seconds"] == 4
    assert found["ratio"] == 1.5
    assert found["ratio_at_median_rate"] == 1.2


def test_the_work_of_a_step_is_that_of_its_products():
    """Each product is done once forward, and once for each of its two sides backward."""
    torch.manual_seed(0)
    rows, d, f, layers, n = 3, 8, 16, 2, 20
    network = Network(n, NetworkSettings(width=d, feed_forward=f, layers=layers, dropout=0.0)).train()
    items = np.random.default_rng(0).integers(1, n + 1, (rows, ROW_LENGTH)).astype(np.int32)
    targets = np.where(np.arange(ROW_LENGTH) % 2, items, 0)
    zeros = np.zeros_like(items)
    positions = np.tile(np.arange(ROW_LENGTH), (rows, 1))
    step = Rows(items, zeros.astype(np.int8), targets, positions, zeros)
    sampler = NegativeSampler(np.ones(n + 1, np.float32), n, np.random.default_rng(0))
    tokens, asked = rows * ROW_LENGTH, np.count_nonzero(targets)
    of_a_layer = tokens * (4 * d * d + 2 * d * f) + 2 * tokens * ROW_LENGTH * d
    assert step_flop(network, step, sampler) == 3 * 2 * (layers * of_a_layer + asked * n * d)


def test_an_environment_is_made_once_and_again_when_it_was_not_finished(tmp_path, monkeypatch):
    made, installed = [], []

    def install(command, **options):
        installed.append(command)
        if len(installed) == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(environment.venv, "create", lambda home, **options: made.append(home))
    monkeypatch.setattr(environment.subprocess, "run", install)
    with pytest.raises(KeyboardInterrupt):
        environment.python_of_peers(tmp_path)
    python = environment.python_of_peers(tmp_path)
    assert environment.python_of_peers(tmp_path) == python
    assert made == [python.parents[1]] * 2
    assert installed[1][0] == python and installed[1][-1] == environment.REQUIREMENTS

    monkeypatch.setattr(environment, "NEEDED_GB", 1e9)
    with pytest.raises(OSError, match="GB free"):
        environment.python_of_peers(tmp_path / "elsewhere")


def test_a_fit_of_its_own_process_has_its_own_memory(tmp_path):
    ballast = np.ones(100_000_000)  # 800 MB
    found = alone(Fit(str(made_file(tmp_path)), share=0.5, steps=4, artifact=False))
    assert found["steps"] == 2
    assert list(found["stages"]) == ["read", "count", "fit", "choose weights"]
    assert 100 < found["peak_rss_mb"] < peak_rss_mb()
    del ballast


def test_everything_is_measured_in_one_run(tmp_path, monkeypatch):
    for name in THREADS:  # main() sets them for the processes it starts
        monkeypatch.setenv(name, "1")
    monkeypatch.setattr(training_speed, "PEERS", {"made": made_peer(tmp_path)})
    monkeypatch.setattr(training_speed, "alone", measure)
    limits = ["--peer-cpu-seconds", "1", "--peer-wall-seconds", "2", "--peer-epochs", "3"]
    made = ["--peers", "made", "--peers-python", sys.executable, *limits]
    out = tmp_path / "out.json"
    main(["--data", str(made_file(tmp_path)), *made, "--shares", "1/2,1/4", "--steps", "40", "--json", str(out)])
    found = json.loads(out.read_text())
    peer = found["peers"]["made"]
    # each of 30 products is the target of two shoppers, and stands in the place of its number; ties count for nothing
    late = sum(1 / log2(place + 1) for place in range(1, 11)) / N
    assert [point["ndcg@10"] for point in peer["curve"]] == [0, pytest.approx(late, rel=1e-4)]
    assert peer["best"]["name"] == "late"
    own = peer["best"]["ours"]["served"]
    assert own["ndcg@10"] > 0.5  # what comes next is plain to see
    assert found["ratio"]["made"] == pytest.approx(60 / own["cpu_seconds"], rel=1e-3)
    assert [point["steps"] for point in found["ours"]["curve"]["network"]] == [10, 20]
    stages = found["ours"]["stages"]
    assert list(stages) == ["read", "count", "fit", "choose weights", "artifact"]
    whole = sum(seconds["cpu_seconds"] for seconds in stages.values())
    assert found["ours"]["file_to_artifact"]["cpu_seconds"] == pytest.approx(whole, rel=1e-3)
    assert found["matmul_floor"]["ratio"] > 1
    assert found["peak_rss_mb"]["made"] == 5
    assert found["peak_rss_mb"]["ours"] > 100
