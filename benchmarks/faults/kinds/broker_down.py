import time
from collections.abc import Iterator

from ..judging import Outcome
from ..servers import wait_until
from ..stand import Stand


def happen(stand: Stand) -> Iterator[Outcome]:
    """The broker is away while the shop works; a retraining asked for is refused, and done once it is back."""
    from recommendations.exceptions import BrokerUnreachable
    from recommendations.retraining import request_retraining

    worker = stand.worker()
    with stand.fault("broker down, and back", ("broker_unreachable",)) as outcome:
        before = stand.newest()
        stand.broker.kill()
        began = time.monotonic()
        try:
            request_retraining("make faults")
            outcome.check(False, "a retraining was said to be queued")
        except BrokerUnreachable as told:
            outcome.check("does not answer" in str(told), f"staff are told {told}")
        outcome.check(time.monotonic() - began < 5, "whoever asked waited longer than 5 s")
        time.sleep(3)
        stand.broker.start()
        outcome.ended = time.monotonic() + 1  # the training costs what each training costs
        request_retraining("make faults")
        wait_until(lambda: stand.newest() > before and stand.version()["status"] != "training", 300, "the training")
        outcome.check(stand.version()["status"] == "published", f"afterwards: {stand.version()}")
    worker.stop()
    yield outcome
