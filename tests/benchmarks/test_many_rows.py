import json

import numpy as np
import pytest

from benchmarks import many_rows
from benchmarks.many_rows import CATEGORY_SIZE, DAY, MOST_EVENTS, made_log


def test_a_made_shop_has_a_long_tail_and_can_be_foretold():
    log = made_log(40_000, 1_000)
    assert abs(len(log) - 40_000) < 4_000
    lengths = np.diff(log.shopper_starts())
    assert lengths.min() >= 1 and lengths.max() <= MOST_EVENTS
    assert log.item.min() >= 1 and log.item.max() <= 1_000
    met = np.sort(np.bincount(log.item))[::-1]
    assert met[:100].sum() > 0.4 * met.sum()
    same = log.shopper[1:] == log.shopper[:-1]
    alike = (log.item[1:] - 1) // CATEGORY_SIZE == (log.item[:-1] - 1) // CATEGORY_SIZE
    assert alike[same].mean() > 0.4
    apart = np.diff(log.time)[same]
    assert apart.min() >= 0 and 3 * DAY < apart.mean() < 7 * DAY


def test_the_same_seed_makes_the_same_shop():
    one, other, third = (made_log(2_000, 300, seed) for seed in (1, 1, 2))
    assert np.array_equal(one.item, other.item) and np.array_equal(one.time, other.time)
    assert not np.array_equal(one.item, third.item)


@pytest.mark.training
def test_the_report(tmp_path):
    out = tmp_path / "out.json"
    many_rows.main(["--rows", "16000", "--products", "500", "--steps", "3", "--json", str(out)])
    told = json.loads(out.read_text())
    assert [one["steps"] for one in told["measured"]] == [3]
    assert {"recommender", "popularity", "item_neighbours"} <= told["measured"][0]["ndcg@10"]["new_products"].keys()
    assert len(told["linear"]["count"]) == 1
