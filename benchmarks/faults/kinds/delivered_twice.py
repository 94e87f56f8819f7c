import time
from collections.abc import Iterator

from ..judging import Outcome
from ..servers import wait_until
from ..stand import Stand

VISIBLE_AGAIN = "1"  # seconds; Redis takes a message for lost that is not acknowledged by then
LONG = "400"  # steps: an idle worker looks for lost messages every ten seconds or so


def happen(stand: Stand) -> Iterator[Outcome]:
    """The broker's visibility timeout is shorter than the training: the message is delivered to another worker too."""
    logs = ("training_busy", "training_answered")
    with stand.fault("task delivered twice", logs) as outcome:
        before = stand.newest()
        workers = [stand.worker(FAULTS_VISIBILITY=VISIBLE_AGAIN, FAULTS_STEPS=LONG) for _ in range(2)]
        wait_until(lambda: all("ready." in worker.log.read_text() for worker in workers), 60, "the workers")
        stand.send_retraining()
        wait_until(lambda: stand.newest() > before and stand.version()["status"] != "training", 300, "the training")
        began = time.time() - 60
        wait_until(lambda: len(stand.logged(logs, began)) > 0, 60, "the second delivery")
        time.sleep(1)
        outcome.check(stand.newest() == before + 1, f"{stand.newest() - before} versions were trained")
        outcome.check(stand.current() == stand.newest(), f"it ended as {stand.version()}")
        for worker in workers:
            worker.stop()
    yield outcome
