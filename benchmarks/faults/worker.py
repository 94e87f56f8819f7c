"""The demo's Celery app, whose process is killed when its training comes to the stage that FAULTS_STOP_AT names.

UPLOADING is no stage of its own: some files of the artifact are stored then, and others not yet.
"""

import os
import resource
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from celery.signals import worker_init
from django.core.files.storage import FileSystemStorage

from shopdemo.celery import app

__all__ = ["app"]

UPLOADING, STORED = "uploading", 3


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
    if os.environ.get("FAULTS_STOP_AT") == UPLOADING:
        FileSystemStorage.save = _saving_some(FileSystemStorage.save)  # type: ignore[method-assign]


def _saving_some(save: Callable[..., str]) -> Callable[..., str]:
    saved: list[str] = []

    def saving(storage: FileSystemStorage, name: str, *content: Any) -> str:
        if len(saved) == STORED:
            os.kill(os.getpid(), signal.SIGKILL)
        saved.append(save(storage, name, *content))
        return saved[-1]

    return saving
