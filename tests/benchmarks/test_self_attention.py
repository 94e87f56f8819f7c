"""The numbers of docs/self-attention.md are what our own attention code computes today."""

import re

import numpy as np
import pytest
import torch

from benchmarks.self_attention import HEAT_MAP, PAGE, PRODUCTS, WEIGHTS, X, heat_map, make_layer, page, run

NUMBER = re.compile(r"-?\d+\.\d{3}|\d+%|rgb\(\d+,\d+")


@pytest.fixture(scope="module")
def seen():
    return run(make_layer())


def numbers(text):
    return [float(part) for found in NUMBER.findall(text) for part in re.findall(r"-?\d+\.?\d*", found)]


@pytest.mark.parametrize("name", ["page", "heat map"])
def test_the_page_says_what_the_layer_computes(seen, name):
    written, made = {
        "page": (PAGE, page(seen)),
        "heat map": (HEAT_MAP, heat_map(seen["weights"])),
    }[name]
    stored = written.read_text(encoding="utf-8")
    assert NUMBER.sub("", stored) == NUMBER.sub("", made), "run python -m benchmarks.self_attention"
    assert len(numbers(stored)) > 15
    # the last digit may round either way on another processor
    assert np.allclose(numbers(stored), numbers(made), atol=1.001e-3, rtol=0.01)


def test_the_weights_shown_are_those_the_layer_mixed_its_values_by(seen):
    assert np.allclose(seen["weights"] @ seen["value"], seen["mixed"], atol=1e-6)
    assert np.allclose(seen["weights"].sum(axis=1), 1)
    assert (seen["weights"][np.triu_indices(3, 1)] == 0).all()


def test_the_example_by_hand(seen):
    """The whole page in plain numpy, sharing no line with the layer."""

    def norm(rows):
        return (rows - rows.mean(1, keepdims=True)) / np.sqrt(rows.var(1, keepdims=True) + 1e-5)

    w = {name: np.array(values, float).T for name, values in WEIGHTS.items()}
    x = np.array(X)
    n = norm(x)
    scores = (n @ w["query"]) @ (n @ w["key"]).T / 2
    shares = np.tril(np.exp(scores))
    shares /= shares.sum(1, keepdims=True)
    read = x + shares @ (n @ w["value"]) @ w["out"]
    result = read + np.maximum(norm(read) @ w["widen"], 0) @ w["narrow"]
    assert np.allclose(seen["weights"], shares, atol=1e-5)
    assert np.allclose(seen["read"], read, atol=1e-5)
    assert np.allclose(seen["result"], result, atol=1e-5)


def test_serving_reads_the_last_row_alone(seen):
    blocked = torch.zeros(1, 1, 1, len(PRODUCTS))
    with torch.inference_mode():
        last = make_layer()(torch.tensor([X]), blocked, last=torch.tensor([2]))
    assert np.allclose(last[0, 0].numpy(), seen["result"][2], atol=1e-6)


def test_what_the_page_says_in_words(seen):
    towel = seen["weights"][2]
    assert towel.argsort().tolist() == [0, 1, 2]  # itself most, the teapot next
    assert seen["weights"][1, 0] > 0.1  # the teapot reads the tea
    assert seen["read"][1, 0] > X[1][0]  # and becomes more of a drink
