"""The demo's Celery app, whose process is killed when its training comes to the stage that FAULTS_STOP_AT names."""

import os
import resource
import signal
from pathlib import Path
from typing import Any

from celery.signals import worker_init

from shopdemo.celery import app

__all__ = ["app"]


@worker_init.connect
def _be_killed_in_a_stage(**_: Any) -> None:
    from django.conf import settings

    from recommendations.retraining.lease import Lease

    report, stages = Lease.report, Path(settings.VAR) / "stages"

    def reporting(lease: Lease, stage: str, fraction: float) -> None:
        report(lease, stage, fraction)
        known = stages.read_text().splitlines() if stages.exists() else []
        if stage not in known:
            stages.write_text("\n".join([*known, stage]))
        if stage == "publishing" and "FAULTS_FILE_SIZE" in os.environ:
            size = int(os.environ["FAULTS_FILE_SIZE"])
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        if stage == os.environ.get("FAULTS_STOP_AT"):
            os.kill(os.getpid(), signal.SIGKILL)

    Lease.report = reporting  # type: ignore[method-assign]
