import json

import numpy as np

from benchmarks.many_rows import FOLLOWED, made_log, main


def test_as_many_rows_as_asked_for_and_the_same_for_the_same_seed():
    log, again, other = (made_log(5_000, 400, seed) for seed in (1, 1, 2))
    assert 5_000 <= len(log) <= 5_300  # the last shopper is not cut
    assert log.item.tolist() == again.item.tolist()
    assert log.item.tolist() != other.item.tolist()
    assert log.item.min() >= 1
    assert log.item.max() <= 400


def test_a_few_products_have_much_of_the_events():
    events = -np.sort(-np.bincount(made_log(20_000, 2_000, 0).item, minlength=2_001))
    assert events[:200].sum() > 0.4 * events.sum()  # a tenth of the products


def test_what_comes_next_often_follows_from_the_product_before():
    log = made_log(20_000, 400, 0)
    pairs = np.flatnonzero((log.shopper[1:] == log.shopper[:-1]) & (log.item[:-1] == 1))
    times = np.sort(np.bincount(log.item[pairs + 1]))
    assert times[-3:].sum() / times.sum() > FOLLOWED * 0.9  # three followers of 400 products


def test_prints_stages_memory_and_quality(tmp_path, capsys):
    main(["--rows", "6000", "--products", "50", "--steps", "3", "--json", str(tmp_path / "out.json")])
    (found,) = json.loads((tmp_path / "out.json").read_text())
    assert {"count", "judged fit", "choose weights", "judge"} <= found["stages"].keys()
    assert found["peak_rss_mb"] > 0
    assert found["steps"] == 3
    assert {"recommender", "popularity", "item_neighbours"} <= found["ndcg@10"]["new_products"].keys()
    assert "judged fit: " in capsys.readouterr().out
