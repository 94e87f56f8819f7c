"""What counting tells where the decoder learns: how many of a candidate's attributes the newest products have, too.

Two numbers for each field and one weight for each number: a part of a score that is given product by product, as the
mix's other parts are, and needs no second stage.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from benchmarks.attributes import Attributes
from benchmarks.reranking import Pools, unlikelihood
from recommendations.ml.ranking import NEAR
from recommendations.ml.sequences import History, product_tokens

NEWEST = 8
MOST_STEPS = 60


@dataclass(frozen=True, eq=False)
class Matches:
    """Weights of match_strength()."""

    attributes: Attributes
    weights: np.ndarray  # float32 (2F)

    def added(self, pools: Pools) -> np.ndarray:
        """What to add to the score of each candidate, float32 (S, P)."""
        return match_strength(self.attributes, pools.asked.histories, pools.items) @ self.weights


def match_strength(attributes: Attributes, histories: Sequence[History], items: np.ndarray) -> np.ndarray:
    """(S, P, 2F) for items (S, P): of each field the share of the item's values that a newest product has.

    First summed over the products, the k-th newest counting NEAR[1] ** k, then the largest of any.
    """
    found = np.zeros((*items.shape, 2, int(attributes.field[-1]) + 1), np.float32)
    known = np.where(np.isin(attributes.tokens, attributes.unknown), 0, attributes.tokens)
    fields = [attributes.field == field for field in range(found.shape[-1])]
    for row, history, candidates in zip(found, histories, items, strict=True):
        newest = product_tokens(history)[: -NEWEST - 1 : -1]
        for field, places in enumerate(fields):
            asking, read = known[candidates][:, places], known[newest][:, places]
            same = (asking[:, None, :, None] == read[:, None]).any(3) & (asking[:, None] > 0)  # (P, newest, places)
            share = same.sum(2) / np.maximum((asking > 0).sum(1), 1)[:, None]
            row[:, 0, field], row[:, 1, field] = share @ NEAR[1] ** np.arange(len(newest)), share.max(1)
    return found.reshape(*items.shape, -1)


def fit_matches(attributes: Attributes, pools: Pools) -> Matches:
    """The weights that make what these shoppers turned to likeliest within their pools, beside the mix."""
    answered = pools.take(np.flatnonzero(pools.right.any(axis=1)))
    strength = torch.from_numpy(match_strength(attributes, answered.asked.histories, answered.items))
    scores, right = torch.from_numpy(answered.scores), torch.from_numpy(answered.right)
    trust, weights = torch.ones((), requires_grad=True), torch.zeros(strength.shape[-1], requires_grad=True)
    optimizer = torch.optim.LBFGS([trust, weights], max_iter=MOST_STEPS, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        found = unlikelihood(trust * scores + strength @ weights, right)
        found.backward()
        return found

    optimizer.step(loss)
    return Matches(attributes, weights.detach().numpy())
