"""From a trained network to the files that serving reads."""

import platform
from dataclasses import asdict
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch

from ..artifact import ENCODER, WEIGHTS, Manifest, verify, write_arrays, write_manifest
from ..ranking import Score
from ..sequences import SEQUENCE_LENGTH
from ..text import NO_INDEX, QueryIndex
from ..vocabulary import Vocabulary
from .encoder_graph import encoder_graph
from .network import Encoder, Network
from .settings import TrainingSettings
from .tables import Tables


def export_encoder(encoder: Encoder, path: Path) -> None:
    """Write the encoder as an ONNX graph: items (B, T, d), kinds (B, T), lengths (B) to hidden (B, d)."""
    onnx.save(encoder_graph(encoder), str(path))


def export_network(network: Network, directory: Path, bias: np.ndarray) -> None:
    """Write encoder.onnx and weights.npz, the same weights for the independent audit, with the `bias` (n+1) served."""
    directory = Path(directory)
    export_encoder(network.encoder, directory / ENCODER)
    arrays = {name: tensor.detach().numpy() for name, tensor in network.state_dict().items()} | {"bias": bias}
    np.savez(directory / WEIGHTS, **arrays)


def library_versions() -> dict[str, str]:
    """What a training ran on, for the manifest."""
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "torch": torch.__version__,
        "onnx": onnx.__version__,
        "onnxruntime": onnxruntime.__version__,
    }


def write_artifact(
    directory: Path,
    network: Network,
    score: Score,
    tables: Tables,
    vocabulary: Vocabulary,
    settings: TrainingSettings,
    index: QueryIndex = NO_INDEX,
    kept_fits: dict | None = None,
) -> Manifest:
    """Write a network and its tables as an artifact, with an eps of 0 that the parity check replaces.

    `kept_fits` are the numbers of the fits whose weights are in `directory` already, if any are.
    """
    export_network(network, directory, score.bias)
    write_arrays(directory, score, tables.popularity, vocabulary, index)
    manifest = Manifest(
        n=len(vocabulary),
        d=network.settings.width,
        length=SEQUENCE_LENGTH,
        weights=score.weights,
        eps=0.0,
        trained_kinds=tables.trained_kinds,
        settings={
            "training": settings.to_dict(),
            "network": asdict(network.settings),
            **({"kept_fits": kept_fits} if kept_fits else {}),
        },
        libraries=library_versions(),
    )
    write_manifest(directory, manifest)
    return verify(directory)
