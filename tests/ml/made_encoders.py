"""The random encoders of the tests: made by torch, or read from a folder where torch is not installed.

`python -m tests.ml.made_encoders FOLDER` writes them; MADE_ENCODERS=FOLDER reads them.
"""

import json
import os
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from recommendations.ml.artifact import ENCODER, WEIGHTS

FOLDER = "MADE_ENCODERS"
# (width, seed) of every encoder that a test asks for.
MADE = [(16, seed) for seed in range(5)]


@dataclass(frozen=True)
class MadeEncoder:
    """One encoder with random weights."""

    graph: bytes  # ONNX
    weights: dict[str, np.ndarray]
    libraries: dict[str, str]


@cache
def made_encoder(d: int, seed: int) -> MadeEncoder:
    """The encoder of this width and seed; always the same. ValueError when it is not one of MADE."""
    if (d, seed) not in MADE:
        raise ValueError(f"no encoder of width {d} and seed {seed}: add ({d}, {seed}) to MADE in {__file__}")
    folder = os.environ.get(FOLDER)
    return _read(Path(folder) / f"{d}-{seed}") if folder else _export(d, seed)


def write_encoders(folder: Path) -> None:
    """Every encoder of MADE, for an environment without torch."""
    for d, seed in MADE:
        made, target = _export(d, seed), folder / f"{d}-{seed}"
        target.mkdir(parents=True, exist_ok=True)
        (target / ENCODER).write_bytes(made.graph)
        np.savez(target / WEIGHTS, **made.weights)
        (target / "libraries.json").write_text(json.dumps(made.libraries))


def _read(folder: Path) -> MadeEncoder:
    if not folder.is_dir():
        raise FileNotFoundError(f"{FOLDER}: {folder} is missing; write it with `python -m {__spec__.name} FOLDER`")
    with np.load(folder / WEIGHTS) as stored:
        weights = dict(stored)
    libraries = json.loads((folder / "libraries.json").read_text())
    return MadeEncoder((folder / ENCODER).read_bytes(), weights, libraries)


def _export(d: int, seed: int) -> MadeEncoder:
    try:
        import torch

        from recommendations.ml.training.export import export_encoder, library_versions
        from recommendations.ml.training.network import Network, NetworkSettings
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"{error.name} is not installed and {FOLDER} is not set: where torch is installed, write the encoders with "
            f"`python -m {__spec__.name} FOLDER`; here, set {FOLDER}=FOLDER",
            name=error.name,
        ) from error
    with torch.random.fork_rng(devices=[]), TemporaryDirectory() as folder:
        torch.manual_seed(seed)
        encoder = Network(0, NetworkSettings(width=d, feed_forward=2 * d)).encoder.eval()
        export_encoder(encoder, Path(folder) / ENCODER)
        weights = {name: tensor.numpy() for name, tensor in encoder.state_dict().items()}
        return MadeEncoder((Path(folder) / ENCODER).read_bytes(), weights, library_versions())


if __name__ == "__main__":
    write_encoders(Path(sys.argv[1]))
