"""The mix's best few hundred, and the decoder that ranks them anew: how it is fitted, and how much it may say."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.attribute_decoder import AttributeDecoder, encode_tokens
from benchmarks.attributes import Attributes
from recommendations.ml.metrics import ndcg
from recommendations.ml.sequences import History
from recommendations.ml.splitting import HeldOut
from recommendations.ml.training.judge import Method, Protocol
from recommendations.ml.training.network import Network

POOL = 200
LIST_LENGTH = 20
NO_CANDIDATE = -1e9
# How much of the decoder is added; 0 leaves the mix alone.
WEIGHTS = (0.0, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5)
# Shoppers of a step, and how many wrong candidates of their pools each is shown.
SHOPPERS, WRONG = 64, 40
# Shoppers whose whole pools are scored at a time.
BLOCK = 16
PASSES, RATE = 5, 4e-3


@dataclass(frozen=True, eq=False)
class Pools:
    """The best by the mix for some shoppers (S), best first, at most P each."""

    asked: HeldOut
    items: np.ndarray  # int64 (S, P), 0 where there are fewer
    scores: np.ndarray  # float32 (S, P), NO_CANDIDATE where there are fewer
    right: np.ndarray  # bool (S, P)

    def take(self, rows: np.ndarray) -> "Pools":
        """Those of some shoppers."""
        return Pools(self.asked.take(rows.tolist()), self.items[rows], self.scores[rows], self.right[rows])

    def lists(self, added: np.ndarray | None = None) -> list[list[int]]:
        """The first LIST_LENGTH of each shopper, with `added` (S, P) to the scores; of equal ones as by the mix."""
        scores = self.scores if added is None else self.scores + added
        order = np.argsort(-scores, axis=1, kind="stable")[:, :LIST_LENGTH]
        return [[item for item in row if item] for row in np.take_along_axis(self.items, order, 1).tolist()]


def pools_of(protocol: Protocol, mix: Method, size: int = POOL) -> Pools:
    """The best `size` of each of the protocol's shoppers; of equal scores the wrong ones come first."""
    items = np.zeros((len(protocol.asked), size), np.int64)
    scores = np.full(items.shape, NO_CANDIDATE, np.float32)
    row = 0
    for block in protocol.blocks():
        of_all = np.array(mix(block.asked), np.float32)
        for found, listed in zip(of_all, block.lists(of_all, size), strict=True):
            items[row, : len(listed)], scores[row, : len(listed)] = listed, found[listed]
            row += 1
    right = np.array([np.isin(found, targets) for found, targets in zip(items, protocol.asked.targets, strict=True)])
    return Pools(protocol.asked, items, scores, right)


@dataclass(frozen=True, eq=False)
class Reranker:
    """A decoder over a fitted network."""

    decoder: AttributeDecoder
    network: Network
    trained_kinds: tuple[int, ...]

    def added(self, pools: Pools) -> np.ndarray:
        """What the decoder says of each candidate, float32 (S, P)."""
        parts = []
        for start in range(0, len(pools.items), BLOCK):
            rows = slice(start, start + BLOCK)
            parts.append(self.say(pools.asked.histories[rows], pools.items[rows]))
        return np.concatenate(parts)

    def say(self, histories: Sequence[History], items: np.ndarray) -> np.ndarray:
        """The same for some histories (B) and their candidates (B, P)."""
        with torch.no_grad():
            return self.decoder(self._encoded(histories), torch.from_numpy(items)).numpy()

    def _encoded(self, histories: Sequence[History]):
        return encode_tokens(self.network, histories, self.trained_kinds)

    def fit(self, pools: Pools, passes: float, seed: int) -> None:
        """Fit the decoder to make what these shoppers turned to likely within their pools, beside the mix.

        These must be targets that the network was not fitted on: of those it knows the answer, and nothing is left
        for attributes to tell.
        """
        torch.manual_seed(seed)
        rng = np.random.default_rng(seed)
        answered = np.flatnonzero(pools.right.any(axis=1))
        steps = max(round(passes * len(answered) / SHOPPERS), 1)
        trust = nn.Parameter(torch.ones(()))  # in the mix: its scores may be too sure of themselves
        optimizer = torch.optim.Adam([*self.decoder.parameters(), trust], lr=RATE)
        self.decoder.train()
        for step, rows in zip(range(steps), _draws(answered, rng), strict=False):
            optimizer.param_groups[0]["lr"] = RATE * (1 - step / steps)
            places = _places(pools.right[rows], rng)
            items, scores, right = (
                torch.from_numpy(np.take_along_axis(cells[rows], places, 1))
                for cells in (pools.items, pools.scores, pools.right)
            )
            added = self.decoder(self._encoded([pools.asked.histories[row] for row in rows]), items)
            loss = unlikelihood(trust * scores + added, right)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        self.decoder.eval()


def fit_reranker(
    attributes: Attributes,
    network: Network,
    trained_kinds: tuple[int, ...],
    pools: Pools,
    seed: int = 0,
    passes: float = PASSES,
) -> Reranker:
    """A decoder fitted on these shoppers, see Reranker.fit(); the same inputs give the same weights."""
    torch.manual_seed(seed)
    found = Reranker(AttributeDecoder(attributes, network.settings.width), network.eval(), trained_kinds)
    found.fit(pools, passes, seed)
    return found


def best_weight(pools: Pools, added: np.ndarray) -> tuple[float, dict[float, float]]:
    """(the weight with the highest mean NDCG@10, the lowest of equal ones; that of each of WEIGHTS)."""
    means = {weight: float(np.mean(ndcg_of(pools.lists(weight * added), pools.asked))) for weight in WEIGHTS}
    return max(means, key=means.__getitem__), means


def ndcg_of(lists: Sequence[Sequence[int]], asked: HeldOut) -> list[float]:
    """NDCG@10 of each shopper's list."""
    return [ndcg(listed, set(targets.tolist()), 10) for listed, targets in zip(lists, asked.targets, strict=True)]


def unlikelihood(scores: Tensor, right: Tensor) -> Tensor:
    """The mean over shoppers of the mean of -log p of the right candidates; scores and right are (B, C)."""
    likely = scores.log_softmax(1).masked_fill(~right, 0)
    return -(likely.sum(1) / right.sum(1)).mean()


def _draws(rows: np.ndarray, rng: np.random.Generator) -> Iterator[np.ndarray]:
    while len(rows):
        shuffled = rng.permutation(rows)
        yield from np.split(shuffled, range(SHOPPERS, len(rows), SHOPPERS))


def _places(right: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Places in the pools (B, K): the right ones, and others by chance up to a common number."""
    chance = rng.random(right.shape) + right
    return np.argsort(-chance, axis=1)[:, : WRONG + right.sum(axis=1).max()]
