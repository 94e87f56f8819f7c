"""Logits from item vectors of one byte a number, to tell which items can't be among the best.

Nothing shown is scored so. Reading all item vectors from memory is most of what a ranking costs; this reads a quarter.
By how much the logit of a hidden vector h and an item vector e may be off is known (Cauchy-Schwarz, h' and e' the
rounded ones):

    |h.e - h'.e'| <= |h| |e - e'| + |h - h'| |e'|
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from threading import Lock

import numpy as np
import onnxruntime

from .onnx_bytes import rounded_logits

# A hidden vector is asked for twice in 7 bits, as it is and what rounding lost: processors without VNNI add two
# multiplications of an item's 8 bits by it in 16 bits, and would cut more.
ITEM_STEPS, HIDDEN_STEPS, ZERO = 127, 63, 64
# Items that are rounded in one go.
BLOCK = 10_000


@dataclass(frozen=True, eq=False)
class Rough:
    """About h.e of every item, and by how much that may be off."""

    about: np.ndarray  # float32 (n+1)
    lost: np.ndarray  # float32 (n+1), |e - e'|
    length: np.float32  # |h|
    least_off: np.float32  # of any item

    @cached_property
    def most_off(self) -> np.float32:
        """Of any item."""
        return self.lost.max() * self.length + self.least_off

    def off(self, items: np.ndarray | slice) -> np.ndarray:
        """By how much these may be off, float32."""
        return self.lost[items] * self.length + self.least_off


class RoughLogits:
    """Of the item vectors `matrix`, float32 (n+1, d); rounded at the first call, in each process anew."""

    def __init__(self, matrix: np.ndarray) -> None:
        self._matrix, self._opening = matrix, Lock()

    def of(self, hidden: np.ndarray) -> Rough:
        """For one `hidden`, float32 (d)."""
        with self._opening:
            rounded = self._rounded
        step = float(np.abs(hidden).max()) / HIDDEN_STEPS or 1.0
        fine = step / (2 * HIDDEN_STEPS)
        whole = np.rint(hidden / step)
        rest = np.rint((hidden - whole * step) / fine)
        asked = (np.stack((whole, rest)) + ZERO).astype(np.uint8)
        about, beside = rounded.session.run(["logits"], {"hidden": asked})[0]
        about *= np.float32(step)
        beside *= np.float32(fine)
        about += beside
        least_off = np.linalg.norm(hidden - whole * step - rest * fine) * rounded.longest
        return Rough(about, rounded.lost, np.float32(np.linalg.norm(hidden)), np.float32(least_off))

    @cached_property
    def _rounded(self) -> "_Rounded":
        return _Rounded(self._matrix)


class _Rounded:
    def __init__(self, matrix: np.ndarray) -> None:
        items = np.empty(matrix.shape[::-1], np.int8)
        step, self.lost, length = (np.empty(len(matrix), np.float32) for _ in range(3))  # length: |e'|
        for part in _parts(len(matrix)):
            exact = matrix[part]
            step[part] = np.abs(exact).max(axis=1) / ITEM_STEPS
            step[part][step[part] == 0] = 1
            rounded = np.rint(exact / step[part, None])
            items[:, part] = rounded.T
            rounded *= step[part, None]
            self.lost[part] = np.linalg.norm(exact - rounded, axis=1)
            length[part] = np.linalg.norm(rounded, axis=1)
        self.longest = float(length.max())
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        model = rounded_logits(items, step, ZERO)
        self.session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _parts(n: int) -> Iterator[slice]:
    return (slice(start, start + BLOCK) for start in range(0, n, BLOCK))
