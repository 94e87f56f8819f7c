"""Sampled softmax: the next item against a few shared negatives instead of the whole catalog."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True, eq=False)
class Negatives:
    """Distinct items that every target of a step is compared with, and what to add to their logits."""

    items: Tensor  # int64 (K)
    correction: Tensor  # float32 (K), makes their sum stand for the whole catalog's
    column: Tensor  # int64 (n+1), item -> its place in `items`, -1 for the others

    @classmethod
    def of(cls, items: np.ndarray, correction: np.ndarray, n: int) -> Self:
        """Among n products."""
        column = np.full(n + 1, -1)
        column[items] = np.arange(len(items))
        return cls(*(torch.from_numpy(a) for a in (items, correction.astype(np.float32), column)))


class NegativeSampler:
    """Draws shared negatives among the products that were met: half uniform, half by popularity.

    So few products that they are no more than the negatives are taken whole, which is the exact softmax.
    """

    def __init__(self, popularity: np.ndarray, count: int, rng: np.random.Generator):
        self._n = len(popularity) - 1
        self._count = count
        self._rng = rng
        self._met = 1 + np.flatnonzero(popularity[1:] > 0) if popularity[1:].any() else np.arange(1, self._n + 1)
        total = max(float(popularity[1:].sum()), 1.0)
        self._chance = 0.5 / len(self._met) + 0.5 * popularity.astype(np.float64) / total  # (n+1)
        self._cumulated = np.cumsum(popularity[1:].astype(np.float64))

    def draw(self) -> Negatives:
        """Negatives for one step."""
        if len(self._met) <= self._count:
            items, correction = self._met, np.zeros(len(self._met))
        else:
            uniform = self._met[self._rng.integers(0, len(self._met), self._count - self._count // 2)]
            by_count = self._rng.random(self._count // 2) * self._cumulated[-1]
            popular = np.searchsorted(self._cumulated, by_count, side="right") + 1
            items, times = np.unique(np.concatenate((uniform, popular)), return_counts=True)
            correction = np.log(times) - np.log(self._count * self._chance[items])
        return Negatives.of(items, correction, self._n)


def sampled_softmax(
    hidden: Tensor, targets: Tensor, item_matrix: Tensor, bias: Tensor, negatives: Negatives, count: int | None = None
) -> Tensor:
    """Negative log-likelihood of `targets` (P) under `hidden` (P, d): the sum over `count`, by default P; 0 of none.

    A target among the negatives counts once.
    """
    # embedding(), not indexing: its backward adds in a fixed order, so a fit repeats exactly on several threads
    right = (hidden * F.embedding(targets, item_matrix)).sum(1) + F.embedding(targets, bias[:, None])[:, 0]  # (P)
    shift = F.embedding(negatives.items, bias[:, None])[:, 0] + negatives.correction  # (K)
    # without targets there is nothing to learn, not a division by 0
    count = max(len(targets) if count is None else count, 1)
    items = F.embedding(negatives.items, item_matrix)
    return _Loss.apply(right, hidden, items, shift, negatives.column[targets], count)


class _Loss(torch.autograd.Function):
    """The sum over `count` of log(exp(right) + sum of exp(hidden @ items.T + shift)) - right, a row's own column left
    out of the sum of exp.

    The (P, K) logits never leave the processor's cache: a few rows at a time are scored, and their gradients taken
    while they are there.
    """

    ROWS = 256

    @staticmethod
    def forward(ctx, right: Tensor, hidden: Tensor, items: Tensor, shift: Tensor, own: Tensor, count: int) -> Tensor:
        losses, right_grad, hidden_grad = torch.empty_like(right), torch.empty_like(right), torch.empty_like(hidden)
        items_grad, shift_grad = torch.zeros_like(items), torch.zeros_like(shift)
        for start in range(0, len(right), _Loss.ROWS):
            part = slice(start, start + _Loss.ROWS)
            logits = torch.addmm(shift, hidden[part], items.t())  # (ROWS, K)
            hit = torch.nonzero(own[part] >= 0)[:, 0]
            logits[hit, own[part][hit]] = -torch.inf
            top = torch.maximum(logits.amax(1), right[part])
            chances = logits.sub_(top[:, None]).exp_()
            right_chance = (right[part] - top).exp()
            total = chances.sum(1) + right_chance
            losses[part] = total.log() + top - right[part]
            chances.div_(total[:, None])
            right_grad[part] = right_chance / total - 1
            torch.mm(chances, items, out=hidden_grad[part])
            items_grad.addmm_(chances.t(), hidden[part])
            shift_grad += chances.sum(0)
        ctx.save_for_backward(right_grad, hidden_grad, items_grad, shift_grad)
        ctx.count = count
        return losses.sum() / count

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor | None, ...]:
        scale = grad / ctx.count
        return *(saved * scale for saved in ctx.saved_tensors), None, None
