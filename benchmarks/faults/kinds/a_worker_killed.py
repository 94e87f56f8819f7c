from collections.abc import Iterator

from ..judging import Outcome
from ..servers import wait_until
from ..stand import Stand


def happen(stand: Stand) -> Iterator[Outcome]:
    """The worker is killed with -9 at the beginning of each stage of a training; then one gets through."""
    from recommendations.retraining import reap, request_retraining

    stages = (stand.var / "stages").read_text().splitlines()
    with stand.fault(f"worker killed -9 in {len(stages)} stages", ("worker_died",)) as outcome:
        for stage in stages:
            current, before = stand.current(), stand.newest()
            worker = stand.worker(stop_at=stage)
            request_retraining("make faults")
            wait_until(lambda worker=worker: not worker.is_alive(), 120, f"the death in {stage!r}")
            reap()  # as the admin's page and the hourly task do
            version = stand.version()
            outcome.check(version["id"] == before + 1, f"{stage}: {version['id'] - before} versions")
            outcome.check(version["status"] == "failed", f"{stage}: the version is {version['status']}")
            outcome.check(repr(stage) in version["error"], f"{stage}: the admin says {version['error']!r}")
            outcome.check(stand.current() == current, f"{stage}: another version is current")
        trained = stand.train()
        outcome.check(stand.served_soon(trained), "the version trained afterwards is not served")
    yield outcome
