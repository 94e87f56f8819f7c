from collections.abc import Iterator

from ..judging import Outcome
from ..servers import wait_until
from ..stand import Stand


def happen(stand: Stand) -> Iterator[Outcome]:
    """Two workers are told to retrain at the same time."""
    with stand.fault("two retrains at once", ("training_busy",)) as outcome:
        before = stand.newest()
        workers = [stand.worker(), stand.worker()]
        wait_until(lambda: all("ready." in worker.log.read_text() for worker in workers), 60, "the workers")
        for _ in workers:
            stand.send_retraining()
        wait_until(lambda: stand.newest() > before and stand.version()["status"] != "training", 300, "the training")
        outcome.check(stand.newest() == before + 1, f"{stand.newest() - before} versions were trained")
        outcome.check(stand.current() == stand.newest(), f"it ended as {stand.version()}")
        for worker in workers:
            worker.stop()
    yield outcome
