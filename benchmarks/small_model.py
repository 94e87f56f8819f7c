"""The small model that articles start with: a vector for each shopper and product, two linear layers, one probability.

Binary cross-entropy against products drawn at random. A baseline: it knows no order, no time and no new shopper.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from recommendations.ml.interactions import InteractionLog
from recommendations.ml.splitting import HeldOut

WIDTH, HIDDEN = 32, 64
# NDCG@10 of Tools' choosing shoppers: rate 1e-3 .0033, 1e-2 .0088; 20 passes of 1024 at 3e-3 .0099, 5 times as long.
PASSES, BATCH, RATE = 10, 4096, 1e-2
NEGATIVES = 4  # for each pair of shopper and product
BINS = 20
# Shoppers whose whole catalog is scored at a time.
BLOCK = 8


class SmallModel(nn.Module):
    """The logit that a shopper turns to a product."""

    def __init__(self, shoppers: int, products: int):
        super().__init__()
        self.shoppers = nn.Embedding(shoppers, WIDTH)
        self.products = nn.Embedding(products + 1, WIDTH)
        self.first = nn.Linear(2 * WIDTH, HIDDEN)
        self.second = nn.Linear(HIDDEN, 1)

    def forward(self, shopper: Tensor, product: Tensor) -> Tensor:
        """Logits (P) of the pairs."""
        both = torch.cat((self.shoppers(shopper), self.products(product)), 1)
        return self.second(F.relu(self.first(both)))[:, 0]


@dataclass(frozen=True, eq=False)
class FittedSmallModel:
    """A fitted model and whose vectors it has."""

    model: SmallModel
    shopper: np.ndarray  # int64 (S), ascending

    def scores(self, asked: HeldOut) -> np.ndarray:
        """Logits of every product, (S, n+1); a shopper that was not fitted has the mean of all vectors."""
        model = self.model
        with torch.inference_mode():
            of_shopper, of_product = model.first.weight.split(WIDTH, dim=1)
            shoppers = self._vectors(asked.shopper) @ of_shopper.T
            products = model.products.weight @ of_product.T + model.first.bias  # (n+1, HIDDEN)
            blocks = [F.relu(some[:, None] + products) @ model.second.weight[0] for some in shoppers.split(BLOCK)]
            return (torch.cat(blocks) + model.second.bias).numpy()

    def _vectors(self, shopper: np.ndarray) -> Tensor:
        row = np.minimum(np.searchsorted(self.shopper, shopper), len(self.shopper) - 1)
        known = torch.from_numpy(self.shopper[row] == shopper)
        vectors = self.model.shoppers.weight
        return torch.where(known[:, None], vectors[torch.from_numpy(row)], vectors.mean(0))

    def histogram(self, asked: HeldOut, seed: int = 0) -> dict[str, list]:
        """How often each probability is given to what a shopper turned to next, and to others by chance, never met.

        {"edges" (BINS + 1), "right" (BINS), "others" (BINS)}.
        """
        rng = np.random.default_rng(seed)
        edges = np.linspace(0, 1, BINS + 1)
        right, others = [], []
        for start in range(0, len(asked), 256):
            block = asked.take(range(start, min(start + 256, len(asked))))
            for row, targets, met in zip(self.scores(block), block.targets, block.met, strict=True):
                drawn = np.setdiff1d(rng.integers(1, len(row), len(targets)), np.union1d(targets, met))
                right.append(row[targets])
                others.append(row[drawn])
        counts = [np.histogram(1 / (1 + np.exp(-np.concatenate(found))), edges)[0] for found in (right, others)]
        return {"edges": edges.round(4).tolist(), "right": counts[0].tolist(), "others": counts[1].tolist()}


def fit_small_model(log: InteractionLog, n: int, seed: int = 0, passes: int = PASSES) -> FittedSmallModel:
    """Fit on the distinct pairs of `log`; a drawn product that the shopper has met is left out of the loss."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    log = log.products()
    shopper, row = np.unique(log.shopper, return_inverse=True)
    pairs = np.unique(row * np.int64(n + 1) + log.item)
    model = SmallModel(len(shopper), n)
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
    for _ in range(passes):
        for some in np.array_split(rng.permutation(pairs), -(-len(pairs) // BATCH)):
            drawn = np.repeat(some // (n + 1), NEGATIVES) * (n + 1) + rng.integers(1, n + 1, NEGATIVES * len(some))
            drawn = drawn[pairs[np.searchsorted(pairs[:-1], drawn)] != drawn]
            asked = torch.from_numpy(np.concatenate((some, drawn)))
            labels = (torch.arange(len(asked)) < len(some)).float()
            loss = F.binary_cross_entropy_with_logits(model(asked // (n + 1), asked % (n + 1)), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return FittedSmallModel(model.eval(), shopper)


def draw_histogram(histogram: dict[str, list], file: Path) -> None:
    """The score histogram as an SVG."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6, 3))
    for name in ("right", "others"):
        axes.stairs(histogram[name], histogram["edges"], label=name, fill=True, alpha=0.5)
    axes.set(xlabel="probability given by the small model", ylabel="products")
    axes.legend()
    figure.tight_layout()
    figure.savefig(file, format="svg", metadata={"Date": None})
    pyplot.close(figure)
