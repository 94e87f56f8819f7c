import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommendations.ml.onnx_bytes import rounded_logits
from recommendations.ml.rough_logits import RoughLogits
from tests.examples import examples

WIDTH = 16
KINDS_OF_NUMBERS = st.sampled_from(["alike", "one far out", "tiny", "huge", "none", "few values"])


def numbers(kind, shape, rng):
    found = rng.normal(0, 1, shape)
    if kind == "one far out":
        found[..., 0] *= 1_000
    if kind == "few values":
        found = np.sign(found)
    return (found * {"tiny": 1e-8, "huge": 1e10, "none": 0}.get(kind, 1)).astype(np.float32)


@settings(max_examples=examples(100), deadline=None)
@given(KINDS_OF_NUMBERS, KINDS_OF_NUMBERS, st.integers(1, 300), st.integers(0, 2**32 - 1))
def test_no_logit_is_further_off_than_said(items, asked, n, seed):
    rng = np.random.default_rng(seed)
    matrix, hidden = numbers(items, (n, WIDTH), rng), numbers(asked, WIDTH, rng)
    rough = RoughLogits(matrix).of(hidden)
    exact = matrix.astype(np.float64) @ hidden.astype(np.float64)
    rounding = 1e-6 * np.linalg.norm(matrix, axis=1).max() * np.linalg.norm(hidden)
    assert (np.abs(rough.about - exact) <= rough.off(slice(None)) + rounding).all()
    assert rough.most_off >= rough.off(slice(None)).max()


def test_rounding_hides_little():
    rng = np.random.default_rng(0)
    matrix, hidden = rng.normal(0, 1, (1_000, 64)).astype(np.float32), rng.normal(0, 1, 64).astype(np.float32)
    rough = RoughLogits(matrix).of(hidden)
    assert rough.most_off < 0.1 * rough.about.std()


def test_the_largest_sums_are_not_cut():
    # 255 by 127 twice is more than 16 bits hold: some processors would cut it.
    matrix = np.full((2, WIDTH), 1.0, np.float32) * np.array([[1], [-1]], np.float32)
    rough = RoughLogits(matrix).of(np.full(WIDTH, 1.0, np.float32))
    assert rough.about == pytest.approx([WIDTH, -WIDTH], rel=1e-5)


def test_the_model_is_one_that_onnx_accepts():
    onnx = pytest.importorskip("onnx")
    model = onnx.load_from_string(rounded_logits(np.ones((4, 3), np.int8), np.ones(3, np.float32), 64))
    onnx.checker.check_model(model, full_check=True)
    assert [node.op_type for node in model.graph.node] == ["MatMulInteger", "Cast", "Mul"]
