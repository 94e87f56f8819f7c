import time
from collections.abc import Iterator
from pathlib import Path

from ..judging import Outcome
from ..stand import Stand


def happen(stand: Stand) -> Iterator[Outcome]:
    """The clock of the web processes is set back by an hour while they serve (libfaketime)."""
    library = next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))), None)
    if library is None:
        print("clock_backwards was left out: apt-get install faketime")
        return
    clock = stand.folder / "clock"
    clock.write_text("+0")
    faked = {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "DONT_FAKE_MONOTONIC": "1",
    }
    with stand.web_with(**faked), stand.fault("clock set back by an hour") as outcome:
        clock.write_text("-3600")
        time.sleep(5)
        late = stand.now_told()
        outcome.check(late < time.time() - 3000, "the clock of the shop did not go back")
        clock.write_text("+0")
        time.sleep(2)
    outcome.check(outcome.refused + outcome.otherwise == 0, "an event was refused")
    yield outcome
