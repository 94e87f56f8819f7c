"""A training on several processes, which torchrun starts: the first does everything, the others help it fit."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from ..exceptions import ProcessLost


def lead(work: Callable[[], None]) -> None:
    """Do `work` in the first of the processes, or in the only one; the others help it fit, and return when it ends.

    Raises ProcessLost when another one died or is silent, unless `work` deals with that.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        work()
        return
    # torch, which a process that does not train need not have
    from ..ml.training.helping import help_fits
    from ..ml.training.together import TeamBroken, joined

    try:
        with joined() as team:
            if team.rank > 0:
                help_fits(team)
            else:
                with _termination_raised():
                    work()
    except TeamBroken as error:
        raise ProcessLost(str(error)) from error


@contextmanager
def _termination_raised() -> Iterator[None]:
    """torchrun terminates whoever is left when a process has died: there is time to note it in the version's row.

    Whoever is noting an error already, as of the connection that broke, is not interrupted.
    """

    def stop(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once
        if sys.exception() is not None:
            return
        raise SystemExit(
            "torchrun terminated this process: another one of the training died (what it and torchrun printed last "
            "says why), or torchrun was stopped. Start it again: the training goes on from its last checkpoint."
        )

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
