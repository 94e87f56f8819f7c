"""The shop's process, a real broker and a real worker: what a shop sees of a retraining."""

import time

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector

from tests.ml.made_artifact import make_artifact
from tests.services.conftest import Refused, Shop, on_each_broker

pytestmark = pytest.mark.process

IN_THE_MIDDLE = "judged fit"


def last(status):
    return lambda versions: bool(versions) and versions[-1]["status"] == status


def in_the_middle(versions):
    return bool(versions) and versions[-1]["status"] == "training" and versions[-1]["stage"] == IN_THE_MIDDLE


def serves(shop, version, seconds=10.0):
    """Whether the shop's process takes to this version without a restart."""
    deadline = time.monotonic() + seconds
    while shop.ask("served")["version"] != version:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def kill_in_the_middle(shop, worker, wait_for):
    shop.ask("request")
    wait_for(in_the_middle, worker)
    worker.kill()


def cancel_in_the_middle(shop, worker, wait_for):
    shop.ask("request")
    versions = wait_for(in_the_middle, worker)
    with pytest.raises(Refused, match=f"RetrainingBusy: Version {versions[-1]['id']} is being trained already"):
        shop.ask("request")
    assert shop.ask("cancel", version_id=versions[-1]["id"])


@on_each_broker
def test_killed_twice_then_cancelled_then_published(shop, start_worker, wait_for, tmp_path):
    make_artifact(tmp_path / "made", product_ids=[str(k) for k in range(1, 41)])
    good = shop.ask("publish_directory", directory=str(tmp_path / "made"))
    for _ in range(2):
        kill_in_the_middle(shop, start_worker(), wait_for)
        assert shop.ask("versions")[-1]["status"] == "training"  # nobody has noticed yet
        assert shop.ask("served") == {"version": good, "sources": ["recommender"], "count": 5, "torch": False}
    worker = start_worker()
    cancel_in_the_middle(shop, worker, wait_for)
    shop.ask("request")  # the same worker goes on
    versions = wait_for(last("published"), worker)
    assert [version["status"] for version in versions] == ["retired", "failed", "failed", "cancelled", "published"]
    for failed in versions[1:3]:
        assert failed["error"].startswith(f"The worker died in stage '{IN_THE_MIDDLE}', ")
        assert failed["error"].endswith(" UTC. Retrain again.")
    new = versions[-1]
    assert (new["started_by"], new["error"], new["progress"]) == ("the test", "", 1.0)
    assert serves(shop, new["id"])
    assert shop.ask("served") == {"version": new["id"], "sources": ["recommender"], "count": 5, "torch": False}


def test_a_queued_retraining_first_deletes_what_is_too_old(shop, start_worker, wait_for):
    assert shop.ask("age_all_but_the_newest") > 1
    shop.ask("request")
    wait_for(bool, start_worker())  # its version is there: what comes first is done
    assert shop.ask("events") == 1


@on_each_broker
def test_two_workers_train_and_two_web_workers_serve(shop, web, start_worker, wait_for):
    workers = [start_worker(), start_worker()]
    shop.ask("request")
    versions = wait_for(last("published"), workers[0])
    events = [{"kind": "view", "product": str(k)} for k in (3, 5, 7)]
    told, cookie = web.ask("/recommendations/v1/interactions/", events)
    assert told == {"accepted": 3, "duplicates": 0}
    for _ in range(12):  # whichever of the two answers
        found, _ = web.ask("/recommendations/v1/lists/?placement=home&limit=5", cookie=cookie)
        assert (found["version"], len(found["recommendations"])) == (str(versions[-1]["id"]), 5)
    assert web.log.read_text().count("Booting worker") == 2
    for worker in workers:
        assert worker.process.poll() is None, worker.log.read_text()[-3000:]


def test_web_workers_count_together(web, figures):
    asked = 0
    while len(list(figures.glob("histogram_*.db"))) < 2 and asked < 500:  # until each of the two was asked
        web.ask("/recommendations/v1/lists/?placement=home&limit=5")
        asked += 1
    counted = CollectorRegistry()
    MultiProcessCollector(counted, str(figures))
    assert counted.get_sample_value("recommendations_list_seconds_count", {"placement": "home"}) == asked > 1


def test_of_many_processes_at_once_one_trains(shop, environment, tmp_path):
    others = [Shop(environment, tmp_path / f"other{k}.log") for k in range(3)]
    for other in others:
        other.ask("versions")  # awake
    racers = [shop, *others]
    for racer in racers:
        racer.send("take")
    outcomes = []
    for racer in racers:
        try:
            outcomes.append(racer.receive())
        except Refused as refused:
            outcomes.append(str(refused).split(":")[0])
    for other in others:
        other.close()
    versions = shop.ask("versions")
    assert [version["status"] for version in versions] == ["training"]
    # Not "1": a loser may have drawn the first key.
    assert sorted(map(str, outcomes)) == [str(versions[0]["id"]), *["RetrainingBusy"] * 3]


def test_a_long_silent_step_is_not_taken_for_dead(shop):
    assert shop.ask("hold_silently") == {"beaten": True, "reaped": False}
