import subprocess
import time
from collections.abc import Iterator

from ..judging import Outcome
from ..servers import wait_until
from ..stand import Stand


def happen(stand: Stand) -> Iterator[Outcome]:
    """A training succeeds, and its artifact finds no room: on a file system of 16 KiB, or of files of 16 KiB."""
    from recommendations.retraining import request_retraining

    full = stand.folder / "full"
    full.mkdir(exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(full)]
    mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    how = "disk full while publishing" if mounted else "file limit while publishing"
    more = {"FAULTS_ARTIFACTS": str(full)} if mounted else {"FAULTS_FILE_SIZE": "16384"}
    try:
        with stand.fault(how, ("training_failed",)) as outcome:
            current, before = stand.current(), stand.newest()
            worker = stand.worker(**more)
            request_retraining("make faults")
            wait_until(lambda: stand.newest() > before, 300, "the training")
            while stand.version()["stage"] != "publishing" and stand.version()["status"] == "training":
                time.sleep(0.02)
            outcome.began = time.monotonic() - 0.5  # what went before is a training as any other
            wait_until(lambda: stand.newest() > before and stand.version()["status"] != "training", 300, "the training")
            worker.stop()
            version = stand.version()
            time.sleep(3)
            outcome.check(version["status"] == "failed", f"the version is {version['status']}")
            outcome.check("OSError" in version["error"], f"the admin says {version['error']!r}")
            outcome.check("publishing" in version["error"], f"the admin says {version['error']!r}")
            outcome.check(stand.current() == current, "another version is current")
            left = [path for path in full.rglob("*") if path.is_file()]
            outcome.check(not left, f"{len(left)} files of the artifact are left behind")
    finally:
        if mounted:
            subprocess.run(["umount", full], check=False)
    yield outcome
