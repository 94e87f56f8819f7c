from collections.abc import Iterator
from pathlib import Path

from ..judging import Outcome
from ..servers import wait_until
from ..stand import Stand

UPLOADING, STORED = "uploading", 3  # as ..worker has them


def happen(stand: Stand) -> Iterator[Outcome]:
    """The worker is killed with -9 at the beginning of each stage of a training, and amid the upload; then one gets
    through, and what the killed one had stored is deleted.
    """
    stages = (stand.var / "stages").read_text().splitlines()
    with stand.fault(f"worker killed -9 in {len(stages)} stages", ("worker_died",)) as outcome:
        for stage in stages:
            _kill(stand, outcome, stage, stage)
        half = _kill(stand, outcome, UPLOADING, "publishing")
        stored = list(half.iterdir()) if half.is_dir() else []
        outcome.check(len(stored) == STORED, f"{len(stored)} files were stored when it was killed: {half}")
        trained = stand.train()
        outcome.check(stand.served_soon(trained), "the version trained afterwards is not served")
        outcome.check(not half.exists(), f"{half} is still there")
    yield outcome


def _kill(stand: Stand, outcome: Outcome, stop_at: str, stage: str) -> Path:
    """The folder of what the version had of an artifact."""
    from recommendations.models import RecommenderVersion
    from recommendations.retraining import reap, request_retraining

    current, before = stand.current(), stand.newest()
    worker = stand.worker(stop_at=stop_at)
    request_retraining("make faults")
    wait_until(lambda: not worker.is_alive(), 120, f"the death in {stop_at!r}")
    reap()  # as the admin's page and the hourly task do
    version = stand.version()
    outcome.check(version["id"] == before + 1, f"{stop_at}: {version['id'] - before} versions")
    outcome.check(version["status"] == "failed", f"{stop_at}: the version is {version['status']}")
    outcome.check(repr(stage) in version["error"], f"{stop_at}: the admin says {version['error']!r}")
    outcome.check(stand.current() == current, f"{stop_at}: another version is current")
    return stand.artifact(RecommenderVersion.objects.get(pk=version["id"]))
