"""From a trained network to the files that serving reads."""

import logging
import platform
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch

from ..artifact import ENCODER, WEIGHTS
from ..sequences import SEQUENCE_LENGTH
from .network import Encoder, Network


def export_encoder(encoder: Encoder, path: Path) -> None:
    """Write the encoder as an ONNX graph: items (B, T, d), kinds (B, T), lengths (B) to hidden (B, d)."""
    encoder.eval()
    width = encoder.positions.shape[1]
    # Example sizes above 1: a size of 1 would be baked into the graph.
    example = (torch.zeros(2, 3, width), torch.zeros(2, 3, dtype=torch.int64), torch.tensor([3, 2]))
    batch, length = torch.export.Dim("batch", min=1), torch.export.Dim("length", min=1, max=SEQUENCE_LENGTH)
    with _quiet_exporter():
        program = torch.onnx.export(
            encoder,
            example,
            input_names=["items", "kinds", "lengths"],
            output_names=["hidden"],
            dynamic_shapes=({0: batch, 1: length}, {0: batch, 1: length}, {0: batch}),
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    onnx.save(_without_metadata(program.model_proto), str(path))


@contextmanager
def _quiet_exporter() -> Iterator[None]:
    # The exporter warns about its own internals and about libraries that a graph like ours never needs.
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _without_metadata(model: onnx.ModelProto) -> onnx.ModelProto:
    # The exporter records stack traces with absolute paths: a leak, and the checksum would differ by machine.
    for graph in [model.graph, *model.functions]:
        del graph.metadata_props[:]
        for node in graph.node:
            del node.metadata_props[:]
            node.doc_string = ""
        for value in [*getattr(graph, "value_info", []), *getattr(graph, "input", []), *getattr(graph, "output", [])]:
            if isinstance(value, onnx.ValueInfoProto):
                del value.metadata_props[:]
    for tensor in model.graph.initializer:
        del tensor.metadata_props[:]
    del model.metadata_props[:]
    return model


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
