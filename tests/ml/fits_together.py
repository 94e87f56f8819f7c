"""What test_together has torchrun start: every fit of CASES, and what each process has learned after each step."""

import hashlib
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from recommendations.ml.interactions import InteractionLog
from recommendations.ml.kinds import Kind
from recommendations.ml.sequences import Bag, Queries
from recommendations.ml.training.checkpoints import Checkpoint
from recommendations.ml.training.fit import FitSettings, fit
from recommendations.ml.training.helping import help_fits
from recommendations.ml.training.learner import Learner
from recommendations.ml.training.network import Network, NetworkSettings
from recommendations.ml.training.tables import build_tables
from recommendations.ml.training.together import joined
from tests.ml.made_shop import chain_shop

N, STEPS = 40, 9
# Three steps a pass, of which the last has fewer rows; fewer negatives than products, so that some are met by nobody.
SETTINGS = FitSettings(network=NetworkSettings(width=8, feed_forward=16, dropout=0.3), rows=6, negatives=8)


def searched_shop() -> InteractionLog:
    """A chain shop where every third event is followed by a search for products that nobody turned to."""
    plain = chain_shop(shoppers=60, n=30)
    some = np.arange(len(plain))[::3]
    bags = [Bag(np.array([31, k], np.int32), np.array([0.75, 0.25], np.float32)) for k in range(32, N + 1)]
    return InteractionLog.from_rows(
        np.append(plain.shopper, plain.shopper[some]),
        np.append(plain.item, N + 1 + np.arange(len(some)) % len(bags)),
        np.append(plain.kind, np.full(len(some), Kind.SEARCH)),
        np.append(plain.time, plain.time[some] + 1),
        queries=Queries(N + 1, bags),
    )


# Name -> the log, and how it is fitted. A step of one row leaves one of two processes without any.
CASES = {
    "sampled": (lambda: chain_shop(shoppers=60), SETTINGS),
    "whole catalog": (lambda: chain_shop(shoppers=60), replace(SETTINGS, negatives=1024)),
    "searches": (searched_shop, SETTINGS),
    "one row": (searched_shop, replace(SETTINGS, rows=1)),
}


class Killed(BaseException):
    pass


def fit_case(name: str, folder: Path | None = None, report=lambda share: None) -> Network:
    made, settings = CASES[name]
    log = made()
    tables = build_tables(log, N, int(log.time.max()) + 1)
    checkpoint = folder and Checkpoint(folder, "fit", "this fit", 0.0)
    return fit(log, tables, STEPS, settings, report, checkpoint)


def stop(share: float) -> None:
    if share == 4 / STEPS:
        raise Killed


def resumed(name: str) -> Network:
    """A fit that was stopped in the middle and went on."""
    with TemporaryDirectory() as folder:
        with suppress(Killed):
            fit_case(name, Path(folder), stop)
        return fit_case(name, Path(folder))


def weights_of(network: Network) -> dict[str, np.ndarray]:
    return {name: tensor.numpy() for name, tensor in network.state_dict().items()}


def note_every_step(file: Path) -> None:
    """Lines with a checksum of the weights."""
    learn, told = Learner.learn, file.open("w", buffering=1)

    def learn_and_note(self, batch, team):
        learn(self, batch, team)
        weights = b"".join(array.tobytes() for array in weights_of(self.network).values())
        told.write(hashlib.sha256(weights).hexdigest() + "\n")

    Learner.learn = learn_and_note


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    with joined() as team:
        note_every_step(folder / f"steps-{team.rank}.txt")
        if team.rank > 0:
            help_fits(team)
            return
        for name in CASES:
            np.savez(folder / f"{name}.npz", **weights_of(fit_case(name)))
        np.savez(folder / "resumed.npz", **weights_of(resumed("sampled")))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
