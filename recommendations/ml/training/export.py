"""From a trained network to the files that serving reads."""

import platform
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch

from ..artifact import ENCODER, WEIGHTS
from .encoder_graph import encoder_graph
from .network import Encoder, Network


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
