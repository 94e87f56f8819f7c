"""One small ONNX model, written by hand: the onnx package is for training, serving does without.

Field numbers are those of onnx.proto (github.com/onnx/onnx).
"""

import numpy as np

IR_VERSION, OPSET = 8, 17
FLOAT, UINT8, INT8, INT32 = 1, 2, 3, 6
INT_ATTRIBUTE = 2


def rounded_logits(matrix: np.ndarray, step: np.ndarray, zero: int) -> bytes:
    """A model from "hidden", uint8 (2, d), to "logits", float32 (2, n): (hidden - zero) @ matrix * step.

    `matrix` is int8 (d, n), `step` float32 (n).
    """
    to_float = _text(1, "to") + _number(3, FLOAT) + _number(20, INT_ATTRIBUTE)
    graph = (
        _field(1, _node("MatMulInteger", ["hidden", "matrix", "zero"], "whole"))
        + _field(1, _node("Cast", ["whole"], "real") + _field(5, to_float))
        + _field(1, _node("Mul", ["real", "step"], "logits"))
        + _text(2, "logits")
        + _field(5, _tensor("matrix", INT8, matrix))
        + _field(5, _tensor("step", FLOAT, step))
        + _field(5, _tensor("zero", UINT8, np.array(zero, np.uint8)))
        + _field(11, _value("hidden", UINT8, (2, len(matrix))))
        + _field(12, _value("logits", FLOAT, (2, matrix.shape[1])))
    )
    return _number(1, IR_VERSION) + _field(7, graph) + _field(8, _text(1, "") + _number(2, OPSET))


def _node(operator: str, inputs: list[str], output: str) -> bytes:
    return b"".join(_text(1, name) for name in inputs) + _text(2, output) + _text(3, output) + _text(4, operator)


def _tensor(name: str, kind: int, values: np.ndarray) -> bytes:
    dims = b"".join(_number(1, size) for size in values.shape)
    return dims + _number(2, kind) + _text(8, name) + _field(9, values.tobytes())


def _value(name: str, kind: int, shape: tuple[int, ...]) -> bytes:
    dims = b"".join(_field(1, _number(1, size)) for size in shape)
    return _text(1, name) + _field(2, _field(1, _number(1, kind) + _field(2, dims)))


def _text(number: int, value: str) -> bytes:
    return _field(number, value.encode())


def _field(number: int, value: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _number(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes([*found, value])
