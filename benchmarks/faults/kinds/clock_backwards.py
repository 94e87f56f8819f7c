import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from shutil import which

from ..judging import Outcome
from ..stand import Stand

SOURCE = Path(__file__).parents[1] / "clock.c"


def happen(stand: Stand) -> Iterator[Outcome]:
    """The clock of the web processes is set back by an hour while they serve."""
    if which("gcc") is None:
        print("clock_backwards was left out: it needs gcc")
        return
    library, clock = stand.folder / "clock.so", stand.folder / "clock"
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, SOURCE, "-ldl"], check=True)
    clock.write_text("0")
    with (
        stand.web_with(LD_PRELOAD=str(library), FAULTS_CLOCK=str(clock)),
        stand.fault("clock set back by an hour") as outcome,
    ):
        clock.write_text("-3600")
        time.sleep(5)
        outcome.check(stand.now_told() < time.time() - 3000, "the clock of the shop did not go back")
        clock.write_text("0")
        time.sleep(2)
    outcome.check(outcome.refused == 0, "an event was refused")
    yield outcome
