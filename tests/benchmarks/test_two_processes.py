import json

import pytest

from benchmarks import two_processes
from benchmarks.timed_fit import Fit
from tests.benchmarks.test_training_speed import made_file


def test_the_report(tmp_path):
    out = tmp_path / "out.json"
    two_processes.main(["--data", str(made_file(tmp_path)), "--steps", "3", "--json", str(out)])
    told = json.loads(out.read_text())
    one, two = told["1"], told["2"]
    assert one["steps"] == two["steps"] == 3
    assert [len(found["processes"]) for found in (one, two)] == [1, 2]
    assert two["cpu_seconds"] == sum(two["processes"])
    assert told["times_faster"] == one["wall_seconds"] / two["wall_seconds"]
    assert told["could_be_faster"] == one["cpu_seconds"] / max(two["processes"])
    assert two["network_ndcg@10"] == pytest.approx(one["network_ndcg@10"], abs=0.02)


def test_of_a_made_shop_the_seconds_are_told():
    told = two_processes.measure_made(Fit("made:2000:50", artifact=False, steps=3))
    assert told["steps"] == 3
    assert told["stages"]["fit"][1] > 0
