"""Made-up times keep everybody's order, seconds go to the stage that was on, and figures are means."""

import numpy as np

from benchmarks import warm_start
from benchmarks.warm_start import Clock, means, oldest, with_times
from tests.ml.made_shop import chain_shop


def test_made_up_times_keep_each_shoppers_order_and_mix_new_shoppers_with_known_ones():
    log = chain_shop(shoppers=60)
    found = with_times(log)
    assert (found.item == log.item).all()
    same = found.shopper[1:] == found.shopper[:-1]
    assert (np.diff(found.time)[same] > 0).all()
    old = oldest(found, 0.9)
    assert len(old) == round(0.9 * len(found))
    met = np.isin(found.from_time(old.time.max() + 1).shopper, old.shopper)
    assert met.any()
    assert not met.all()


def test_seconds_are_counted_for_the_stage_that_was_on(monkeypatch):
    times = iter([10.0, 11.0, 13.0, 17.0])
    monkeypatch.setattr(warm_start, "process_time", lambda: next(times))
    clock = Clock()
    for stage in ("count", "judged fit", "judged fit"):
        clock(stage, 0.5)
    assert clock.seconds == {"count": 1.0 + 2.0, "judged fit": 4.0}


def seed(ndcg, seconds):
    run = {"ndcg@10": {"new_products": {"network": ndcg}}, "cpu_seconds": {"whole": seconds, "fits": 1.0}}
    return {"before": run, "cold": run, "warm": run, "of_the_time": {"whole": seconds / 10, "fits": 0.2}}


def test_means_are_over_seeds():
    found = means([seed(0.1, 2.0), seed(0.3, 4.0)])
    assert found["warm"] == {
        "ndcg@10": {"new_products": {"network": 0.2}},
        "cpu_seconds": {"whole": 3.0, "fits": 1.0},
    }
    assert found["of_the_time"] == {"whole": 0.30000000000000004, "fits": 0.2}
