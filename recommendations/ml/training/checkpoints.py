"""A fit's state on disk, so that a killed training goes on where it was and ends with the same bytes.

No pickle: arrays in an npz, the rest in a JSON file that names it with its checksum and is written last.
"""

import hashlib
import json
import logging
import os
import secrets
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from time import monotonic

import numpy as np
import torch

from ..interactions import InteractionLog
from .fit_state import FitSettings, FitState
from .together import current

logger = logging.getLogger("recommendations")

# Seconds between two checkpoints: more is lost by a kill, less would slow a large catalog's fit.
EVERY_SECONDS = 30.0
# Changes with what a checkpoint holds, and with how a fit goes on from it.
FORMAT = 1


@dataclass
class Checkpoint:
    """Where one fit is kept: `name`.json and an npz in `directory`, which is created when needed."""

    directory: Path
    name: str
    fingerprint: str  # of all that the fit depends on; another fit's checkpoint is no checkpoint
    every: float = EVERY_SECONDS

    def __post_init__(self) -> None:
        self._written = monotonic()

    def restore(self, state: FitState) -> bool:
        """Bring `state` to where it was left; False, and nothing done, where there is nothing whole of this fit."""
        found = self._read()
        if found is None:
            return False
        state.restore(*found)
        return True

    def save(self, state: FitState, last: bool = False) -> None:
        """Keep `state` when it is time to, and at the `last` step; a full disk costs the checkpoint, not the fit."""
        if not last and monotonic() - self._written < self.every:
            return
        try:
            self._write(*state.stored())
        except OSError as error:
            fields = {"cause": type(error).__name__, "fit": self.name}
            extra = {"event": "checkpoint_not_written", "fields": fields}  # as recommendations/logs.py has it
            logger.warning("checkpoint_not_written: %(cause)s of the fit %(fit)r", fields, extra=extra)
        self._written = monotonic()

    def _write(self, arrays: dict[str, np.ndarray], numbers: dict) -> None:
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        before = self._told()
        file = self.directory / f"{self.name}-{secrets.token_hex(8)}.npz"
        partial = self.directory / f"{file.stem}.json"
        try:
            np.savez(file, **arrays)
            told = {"format": FORMAT, "fingerprint": self.fingerprint, "file": file.name, "numbers": numbers}
            partial.write_text(json.dumps(told | {"sha256": _sha256(file)}), encoding="utf-8")
            os.replace(partial, self._json)
        except BaseException:
            file.unlink(missing_ok=True)
            partial.unlink(missing_ok=True)
            raise
        if before is not None:
            (self.directory / Path(before["file"]).name).unlink(missing_ok=True)

    def _read(self) -> tuple[dict[str, np.ndarray], dict] | None:
        told = self._told()
        if told is None or (told["format"], told["fingerprint"]) != (FORMAT, self.fingerprint):
            return None
        file = self.directory / Path(told["file"]).name
        try:
            if _sha256(file) != told["sha256"]:
                return None
            with np.load(file, allow_pickle=False) as stored:
                return {name: stored[name] for name in stored.files}, told["numbers"]
        except (OSError, ValueError):
            return None

    def _told(self) -> dict | None:
        try:
            told = json.loads(self._json.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        needed = {"format", "fingerprint", "file", "numbers", "sha256"}
        return told if isinstance(told, dict) and needed <= told.keys() else None

    @property
    def _json(self) -> Path:
        return self.directory / f"{self.name}.json"


def fingerprint(
    log: InteractionLog, n: int, now: int, steps: int, settings: FitSettings, start: Iterable[np.ndarray] = ()
) -> str:
    """Of all that a fit on `log`, counted until `now`, depends on: another one's checkpoint is not gone on from.

    `start` are the arrays it starts from, if not from its own counts.
    """
    found = hashlib.sha256()
    rounding = [current().size, torch.get_num_threads(), torch.__version__, np.__version__]
    plan = [FORMAT, n, now, steps, asdict(settings), *rounding]
    found.update(json.dumps(plan).encode())
    for column in (log.shopper, log.item, log.kind, log.time):
        found.update(np.ascontiguousarray(column).tobytes())
    for array in start:
        found.update(b"start" + array.tobytes())
    for bag in log.queries.bags:
        found.update(b"bag" + bag.items.tobytes() + bag.weights.tobytes())
    return found.hexdigest()


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
