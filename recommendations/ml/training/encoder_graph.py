"""The encoder as an ONNX graph: what Encoder.forward computes, operator by operator, for onnxruntime.

torch's exporter takes 7 to 10 seconds of the processor for it, more than a small shop's fit (docs/decisions/0019).
Operators: https://onnx.ai/onnx/operators/. B histories, T tokens, Q of them that look, d width, h heads.
"""

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from .network import BLOCKED, NOTHING, Encoder, Layer

# onnxruntime 1.20, the oldest that pyproject.toml lets in, reads up to 10 and 21.
IR_VERSION, OPSET = 10, 20


def encoder_graph(encoder: Encoder) -> onnx.ModelProto:
    """items (B, T, d), kinds (B, T), lengths (B) to hidden (B, d); the same bytes for the same weights."""
    graph = _Graph()
    masks = _Masks(graph)
    kinds, places = graph.weight(encoder.kinds), graph("Slice", graph.weight(encoder.positions), *masks.tokens)
    x = graph("Mul", "items", graph.constant(np.float32(encoder.scale)))
    x = graph("Add", graph("Add", x, graph("Gather", kinds, "kinds")), places)
    *first, final = encoder.layers
    for layer in first:
        x = _layer(graph, layer, x, masks.blocked)
    x = graph.normed(encoder.norm, _layer(graph, final, x, masks.reachable, masks.last))
    graph("Squeeze", x, graph.integers(1), into="hidden")
    width = encoder.positions.shape[1]
    given = [
        helper.make_tensor_value_info("items", TensorProto.FLOAT, ["batch", "length", width]),
        helper.make_tensor_value_info("kinds", TensorProto.INT64, ["batch", "length"]),
        helper.make_tensor_value_info("lengths", TensorProto.INT64, ["batch"]),
    ]
    hidden = helper.make_tensor_value_info("hidden", TensorProto.FLOAT, ["batch", width])
    made = helper.make_graph(graph.nodes, "encoder", given, [hidden], graph.weights)
    opsets = [helper.make_opsetid("", OPSET)]
    return helper.make_model(made, ir_version=IR_VERSION, opset_imports=opsets, producer_name="django-because")


class _Graph:
    """Operators in the order they are computed in; a call adds one and gives the name of what it computes."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self._constants: dict[tuple[str, bytes, tuple[int, ...]], str] = {}

    def __call__(self, operator: str, *inputs: str, into: str = "", **attributes: Any) -> str:
        name = into or f"{operator}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [name], name, **attributes))
        return name

    def halves(self, of: str) -> list[str]:
        """The last axis in two."""
        names = [f"{of}_first", f"{of}_second"]
        self.nodes.append(helper.make_node("Split", [of], names, f"{of}_halves", axis=-1, num_outputs=2))
        return names

    def constant(self, value: np.generic | np.ndarray) -> str:
        """Its name; each value is stored once."""
        array = np.asarray(value)
        key = str(array.dtype), array.tobytes(), array.shape
        if key not in self._constants:
            self._constants[key] = f"constant_{len(self.weights)}"
            self.weights.append(numpy_helper.from_array(array, self._constants[key]))
        return self._constants[key]

    def integers(self, *numbers: int) -> str:
        return self.constant(np.array(numbers, np.int64))

    def weight(self, parameter: nn.Parameter) -> str:
        return self.constant(parameter.detach().numpy())

    def linear(self, layer: nn.Linear, x: str) -> str:
        """x (..., in) to (..., out)."""
        weight = np.ascontiguousarray(layer.weight.detach().numpy().T)
        return self("Add", self("MatMul", x, self.constant(weight)), self.weight(layer.bias))

    def normed(self, layer: nn.LayerNorm, x: str) -> str:
        parameters = self.weight(layer.weight), self.weight(layer.bias)
        return self("LayerNormalization", x, *parameters, axis=-1, epsilon=layer.eps)


class _Masks:
    """Which tokens look at which, as what is added to how alike they are: 0, or BLOCKED."""

    def __init__(self, graph: _Graph) -> None:
        no, far = (graph.constant(np.float32(value)) for value in (0, BLOCKED))
        zero, one = (graph.constant(np.int64(value)) for value in (0, 1))
        count = graph("Shape", "items", start=1, end=2)  # T
        order = graph("Range", zero, graph("Squeeze", count, graph.integers(0)), one)  # (T)
        lengths = graph("Unsqueeze", "lengths", graph.integers(1))  # (B, 1)
        later = graph("Greater", order, graph("Unsqueeze", order, graph.integers(1)))  # (T, T)
        padding = graph("GreaterOrEqual", order, lengths)  # (B, T)
        self.tokens = graph.integers(0), count  # of a table by position
        # Padding stands after the last token, so that looking back never meets it.
        self.blocked = graph("Where", later, far, no)
        self.reachable = graph("Unsqueeze", graph("Where", padding, far, no), graph.integers(1, 2))  # (B, 1, 1, T)
        self.last = graph("Unsqueeze", graph("Sub", lengths, one), graph.integers(2))  # (B, 1, 1), as GatherND takes it


def _layer(graph: _Graph, layer: Layer, x: str, mask: str, last: str = "") -> str:
    """(B, T, d) to (B, T, d); with `last` only that token of each history is computed: (B, 1, d)."""
    normed = asking = graph.normed(layer.attention_norm, x)
    if last:
        asking, x = (graph("GatherND", tokens, last, batch_dims=1) for tokens in (normed, x))
    x = graph("Add", x, graph.linear(layer.out, _attended(graph, layer, asking, normed, mask)))
    wide = graph("Relu", graph.linear(layer.widen, graph.normed(layer.forward_norm, x)))
    return graph("Add", x, graph.linear(layer.narrow, wide))


def _attended(graph: _Graph, layer: Layer, asking: str, normed: str, mask: str) -> str:
    """What `asking` (B, Q, d) takes from `normed` (B, T, d): (B, Q, d)."""
    key, value = graph.halves(graph.linear(layer.key_value, normed))
    query = _of_heads(graph, layer, graph.linear(layer.query, asking), [0, 2, 1, 3])  # (B, h, Q, d/h)
    key = _of_heads(graph, layer, key, [0, 2, 3, 1])  # (B, h, d/h, T)
    value = _of_heads(graph, layer, value, [0, 2, 1, 3])  # (B, h, T, d/h)
    scale = graph.constant(np.float32((layer.query.out_features // layer.heads) ** -0.5))
    scores = graph("Add", graph("Mul", graph("MatMul", query, key), scale), mask)  # (B, h, Q, T)
    largest = graph("ReduceMax", scores, graph.integers(-1), keepdims=1)
    scores = graph("Max", scores, graph("Sub", largest, graph.constant(np.float32(NOTHING))))
    mixed = graph("MatMul", graph("Softmax", scores, axis=-1), value)
    return graph("Reshape", graph("Transpose", mixed, perm=[0, 2, 1, 3]), graph.integers(0, 0, -1))


def _of_heads(graph: _Graph, layer: Layer, x: str, order: list[int]) -> str:
    """(B, T, d) to (B, T, h, d/h), then its axes in that order."""
    return graph("Transpose", graph("Reshape", x, graph.integers(0, 0, layer.heads, -1)), perm=order)
