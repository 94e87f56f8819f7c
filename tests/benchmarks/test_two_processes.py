import json

import pytest

from benchmarks import two_processes
from tests.benchmarks.test_training_speed import made_file


@pytest.mark.parametrize("made", [False, True])
def test_the_report(tmp_path, made):
    out, data = tmp_path / "out.json", "made:2000:50" if made else str(made_file(tmp_path))
    two_processes.main(["--data", data, "--steps", "3", "--json", str(out)])
    told = json.loads(out.read_text())
    one, two = told["1"], told["2"]
    assert one["steps"] == two["steps"] == 3
    assert [len(found["processes"]) for found in (one, two)] == [1, 2]
    assert two["cpu_seconds"] == sum(two["processes"])
    assert told["times_faster"] == one["wall_seconds"] / two["wall_seconds"]
    assert told["could_be_faster"] == one["cpu_seconds"] / max(two["processes"])
    if not made:
        assert two["network_ndcg@10"] == pytest.approx(one["network_ndcg@10"], abs=0.02)
