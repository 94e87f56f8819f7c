"""Putting the benchmark's question to a peer: a file of numbers in, lists out, judged as our own lists are."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.protocols import Question
from benchmarks.public_shops import LAST
from benchmarks.quality_baselines import ndcg_of
from recommendations.ml.interactions import InteractionLog
from recommendations.ml.training.judge import Protocol

COUNTED = 10


@dataclass(frozen=True)
class Budget:
    """How long a peer that learns in epochs may go on."""

    cpu_seconds: float
    wall_seconds: float
    epochs: int

    def arguments(self) -> list[str]:
        """As a peer's script takes it."""
        found = {"--cpu-seconds": self.cpu_seconds, "--wall-seconds": self.wall_seconds, "--epochs": self.epochs}
        return [str(part) for pair in found.items() for part in pair]


def write_question(question: Question, file: Path) -> None:
    """What a peer may know: the rows to fit on, all that the asked shoppers did before the target, never a target."""
    if question.asked.name != "leave-one-out":
        raise ValueError(f"{question.asked.name}: peers are asked leave-one-out only")
    shoppers = question.asked.asked.shopper
    met = _rows(question.log.before(LAST))
    rows = {"fitted": _rows(question.log.before(question.fit_until)), "met": met[np.isin(met[:, 0], shoppers)]}
    np.savez(file, **rows, shoppers=shoppers, products=question.products)


def ask_peer(script: Path, python: Path, question: Path, protocol: Protocol, budget: Budget) -> dict:
    """{"settings", "versions", "points": [{"name", "wall_seconds", "cpu_seconds", "peak_rss_mb", "ndcg@10"}]}."""
    with TemporaryDirectory() as name:
        done = subprocess.run([python, script, question, name, *budget.arguments()], stdout=sys.stderr)
        if done.returncode:
            raise RuntimeError(f"{script.name} ended with {done.returncode}; its last words are above")
        found = json.loads((Path(name) / "answers.json").read_text())
        for point in found["points"]:
            with np.load(Path(name) / point.pop("lists"), allow_pickle=False) as lists:
                ranked = pessimistic(lists["items"], lists["scores"], protocol.asked.targets)
            point["ndcg@10"] = float(np.mean(ndcg_of(ranked, protocol)))
    return found


def pessimistic(items: np.ndarray, scores: np.ndarray, targets: Sequence[np.ndarray]) -> list[list[int]]:
    """The first COUNTED of lists (S, more than COUNTED); of equal scores the wrong items stand first."""
    if items.shape[1] <= COUNTED:
        raise ValueError(f"lists of {items.shape[1]}: more than {COUNTED} are needed to see a tie with the last")
    ranked = []
    for row, score, target in zip(items, scores, targets, strict=True):
        order = np.lexsort((np.isin(row, target), -score))[:COUNTED]
        ranked.append([item for item in row[order].tolist() if item])
    return ranked


def _rows(log: InteractionLog) -> np.ndarray:
    return np.stack((log.shopper, log.item.astype(np.int64), log.time), axis=1)
