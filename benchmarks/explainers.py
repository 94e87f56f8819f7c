"""What others would call the explanation of a shown product: every unit of the history in an order, the best first."""

from collections.abc import Callable
from math import exp

import numpy as np
import torch
from torch import Tensor

from benchmarks.public_shops import Fitted
from recommendations.ml import labels
from recommendations.ml.fidelity import Without
from recommendations.ml.labels import Label, LabelledList, Weights
from recommendations.ml.lists_without import ListsWithout as Removals
from recommendations.ml.sequences import History, tokens
from recommendations.ml.training.network import Encoder
from recommendations.ml.training.windows import read_kinds

PERMUTATIONS = 200
BEAM, BEAM_DEPTH = 4, 5

Explainer = Callable[[Fitted, Removals, np.random.Generator], Weights]


def of_label(label: Label) -> Explainer:
    """A label of shops' as an explainer."""

    def explain(fitted: Fitted, shown: Removals, rng: np.random.Generator) -> Weights:
        return label(LabelledList(shown.history, shown.shown, shown.scorer.score.item_matrix, rng))

    return explain


def top_attention(fitted: Fitted, shown: Removals, rng: np.random.Generator) -> Weights:
    """Attention of the last layer from the last position, averaged over heads, summed over the unit's tokens."""
    items, kinds = tokens(shown.history)
    with torch.inference_mode():
        looked = last_attention(fitted.network.encoder, *_inputs(fitted, items, kinds)).numpy()
    return _for_all(_by_unit(looked[:, None], items, shown)[:, 0], shown)


def gradient_times_input(fitted: Fitted, shown: Removals, rng: np.random.Generator) -> Weights:
    """The gradient of the network's logit times the token's vector; it can't see the table's part of the score."""
    items, kinds = tokens(shown.history)
    vectors, read = _inputs(fitted, items, kinds)
    vectors = vectors.detach().requires_grad_()
    hidden = fitted.network.encoder(vectors, read, torch.tensor([len(items)]))[0]
    logits = fitted.network.item_matrix.detach()[shown.shown] @ hidden
    slopes = [torch.autograd.grad(logit, vectors, retain_graph=True)[0][0] for logit in logits]
    return _by_unit(torch.stack([(s * vectors[0]).sum(1) for s in slopes], 1).detach().numpy(), items, shown)


def shapley(fitted: Fitted, shown: Removals, rng: np.random.Generator) -> Weights:
    """Shapley values of log p from PERMUTATIONS random orders; one unit always stays, since nothing has no score."""
    m = len(shown.units)
    orders = [rng.permutation(shown.units).tolist() for _ in range(PERMUTATIONS)]
    shown.ask(frozenset(order[:k]) for order in orders for k in range(m))
    totals = np.zeros((m, len(shown.shown)))
    place = {unit: row for row, unit in enumerate(shown.units)}
    for order in orders:
        for k in range(m - 1):
            before, after = shown.log_shares(frozenset(order[:k])), shown.log_shares(frozenset(order[: k + 1]))
            totals[place[order[k]]] += before - after
    return totals


def leave_one_out(fitted: Fitted, shown: Removals, rng: np.random.Generator) -> Weights:
    """How much log p falls without the unit alone."""
    return shown.effects()


EXPLAINERS: dict[str, Explainer] = {
    "leave_one_out": leave_one_out,
    "random": of_label(labels.at_random),
    "most_recent": of_label(labels.most_recent),
    "most_frequent": of_label(labels.most_frequent),
    "cosine": of_label(labels.most_similar),
    "attention": top_attention,
    "gradient_x_input": gradient_times_input,
    "shapley": shapley,
}
# What shops print, and the explainer whose first unit it is.
LABELS = {
    "last_viewed": of_label(labels.last_viewed),
    "most_similar": EXPLAINERS["cosine"],
    "most_frequent": EXPLAINERS["most_frequent"],
    "top_attention": top_attention,
    "random": of_label(labels.at_random),
}


def beam_orders(shown: Removals) -> list[list[int]]:
    """For each shown product first the BEAM_DEPTH units, found with a beam, that take most of p away together."""
    paths: list[list[tuple[float, list[int]]]] = [[(0.0, [])] for _ in shown.shown]
    for _ in range(min(BEAM_DEPTH, len(shown.units) - 1)):
        shown.ask(frozenset(path) for some in paths for _, path in _grown(some, shown.units))
        paths = [_best(shown.of(place), _grown(some, shown.units)) for place, some in enumerate(paths)]
    best = [some[0][1] for some in paths]
    return [order + [unit for unit in shown.units if unit not in order] for order in best]


def _grown(paths: list[tuple[float, list[int]]], units: list[int]) -> list[tuple[float, list[int]]]:
    return [(total, [*path, unit]) for total, path in paths for unit in units if unit not in path]


def _best(without: Without, paths: list[tuple[float, list[int]]]) -> list[tuple[float, list[int]]]:
    """The BEAM paths on which least of p is left, summed over their steps."""
    totals = [(total + exp(without(frozenset(path)).log_share), path) for total, path in paths]
    return sorted(totals, key=lambda path: path[0])[:BEAM]


def last_attention(encoder: Encoder, vectors: Tensor, kinds: Tensor) -> Tensor:
    """(T): where the last layer looks from the last position, averaged over heads."""
    length = vectors.shape[1]
    order = torch.arange(length)
    blocked = torch.where(order[None, :] > order[:, None], -1e9, 0.0)[None, None]
    x = vectors * encoder.scale + encoder.kinds[kinds] + encoder.positions[:length]
    for layer in encoder.layers[:-1]:
        x = layer(x, blocked)
    layer = encoder.layers[-1]
    normed = layer.attention_norm(x)
    key, _ = layer.key_value(normed).chunk(2, -1)
    query, key = layer._split(layer.query(normed[:, -1:])), layer._split(key)
    return (query @ key.transpose(-1, -2) * key.shape[-1] ** -0.5).softmax(-1)[0, :, 0].mean(0)


def _inputs(fitted: Fitted, items: np.ndarray, kinds: np.ndarray) -> tuple[Tensor, Tensor]:
    vectors = fitted.network.item_matrix.detach()[torch.from_numpy(items.astype(np.int64))][None]
    return vectors, torch.from_numpy(read_kinds(fitted.trained_kinds)[kinds])[None]


def _by_unit(values: np.ndarray, items: np.ndarray, shown: Removals) -> Weights:
    """Values (T, I) of tokens summed over each unit's tokens; a unit the network does not read has 0."""
    return np.stack([values[items == unit].sum(axis=0) for unit in shown.units])


def _for_all(weights: np.ndarray, shown: Removals) -> Weights:
    return np.tile(np.asarray(weights, float)[:, None], (1, len(shown.shown)))


def history_fits(history: History, most: int) -> bool:
    """Whether every removal can be computed exactly, and there are few enough units."""
    return history.complete and 1 <= len(history.units()) <= most
