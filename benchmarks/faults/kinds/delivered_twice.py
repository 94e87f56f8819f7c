import time
from collections.abc import Callable, Iterator

from ..judging import Outcome
from ..servers import PREFORK, wait_until
from ..stand import Stand

VISIBLE_AGAIN = "1"  # seconds; Redis takes a message for lost that is not acknowledged by then
LONG = "400"  # steps, so that the training takes longer than that


def happen(stand: Stand) -> Iterator[Outcome]:
    """The broker's visibility timeout is shorter than the training: the message is delivered once more.

    To another worker while the first one trains, and, sent as beat sends it, to the only worker after it has trained.
    """
    yield from _delivered("task delivered twice", stand, stand.send_retraining, workers=2)
    yield from _delivered("beat's task twice, one worker", stand, stand.send_as_beat, workers=1, pool=PREFORK)


def _delivered(name: str, stand: Stand, send: Callable[[], None], workers: int, **pool: tuple) -> Iterator[Outcome]:
    logs = ("training_busy", "training_answered")
    with stand.fault(name, logs) as outcome:
        before, began = stand.newest(), time.time()
        started = [stand.worker(FAULTS_VISIBILITY=VISIBLE_AGAIN, FAULTS_STEPS=LONG, **pool) for _ in range(workers)]
        wait_until(lambda: all("ready." in worker.log.read_text() for worker in started), 60, "the workers")
        send()
        wait_until(lambda: stand.newest() > before and stand.version()["status"] != "training", 300, "the training")
        wait_until(lambda: len(stand.logged(logs, began)) > 0, 60, "the second delivery")
        time.sleep(1)
        outcome.check(stand.newest() == before + 1, f"{stand.newest() - before} versions were trained")
        outcome.check(stand.current() == stand.newest(), f"it ended as {stand.version()}")
        for worker in started:
            worker.stop()
    yield outcome
