"""What a peer's script is asked and answers, and its clock. Runs in the peers' environment: knows numpy, not us."""

import argparse
import json
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from time import perf_counter, process_time

import numpy as np

LIST_LENGTH = 11  # one more than counts, so that a tie with the tenth shows


@dataclass(frozen=True)
class Asked:
    """The question file's content: who is asked, and rows (N, 3) of shopper, item, time."""

    fitted: np.ndarray
    met: np.ndarray  # all that the asked did before the target, to answer with
    shoppers: np.ndarray  # (S), ascending
    products: int  # numbered 1..products


@dataclass
class Clock:
    """Runs while a peer works, stands while it answers."""

    wall: float = 0.0
    cpu: float = 0.0
    _since: tuple[float, float] | None = field(default=None, repr=False)

    def start(self) -> None:
        """Run from now on."""
        self._since = perf_counter(), process_time()

    def stop(self) -> None:
        """Stand until start()."""
        wall, cpu = self._since
        self.wall, self.cpu = self.wall + perf_counter() - wall, self.cpu + process_time() - cpu
        self._since = None


@dataclass
class Answers:
    """The lists that a peer gives at one or more points of its fit, each with what it had cost by then."""

    folder: Path
    settings: dict
    packages: tuple[str, ...]
    points: list[dict] = field(default_factory=list)

    def add(self, name: str, clock: Clock, items: np.ndarray, scores: np.ndarray, peak_rss_mb: float) -> None:
        """Lists (S, k) of items with their scores, best first; item 0 where there is nothing to list."""
        file = f"{len(self.points)}.npz"
        np.savez(self.folder / file, items=items, scores=scores)
        cost = {"wall_seconds": clock.wall, "cpu_seconds": clock.cpu, "peak_rss_mb": peak_rss_mb}
        self.points.append({"name": name, "lists": file, **cost})
        found = {
            "settings": self.settings,
            "versions": {name: version(name) for name in self.packages},
            "points": self.points,
        }
        (self.folder / "answers.json").write_text(json.dumps(found))


def peak_rss_mb() -> float:
    """The most memory that this process has held; getrusage would count the process that started it, too."""
    status = Path("/proc/self/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024


def read(file: Path) -> Asked:
    """The question in `file`."""
    with np.load(file, allow_pickle=False) as stored:
        return Asked(stored["fitted"], stored["met"], stored["shoppers"], int(stored["products"]))


def arguments() -> argparse.Namespace:
    """What every peer's script is started with."""
    parser = argparse.ArgumentParser()
    parser.add_argument("question", type=Path)
    parser.add_argument("folder", type=Path, help="for the answers")
    parser.add_argument("--cpu-seconds", type=float, required=True, help="no epoch begins after so many")
    parser.add_argument("--wall-seconds", type=float, required=True, help="nor after so many")
    parser.add_argument("--epochs", type=int, required=True, help="at most")
    return parser.parse_args()
