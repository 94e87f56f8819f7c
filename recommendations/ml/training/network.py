"""The network: a small causal Transformer that reads a shopper's tokens and points at the next item.

Small to large: Layer, Encoder (what is exported: item vectors in, one vector out), Network (with the item table).
Shapes: B histories, R packed rows, T tokens, d width, h heads.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..sequences import NO_QUERIES, SEQUENCE_LENGTH, Queries

# exp(-NOTHING) adds nothing to a float32 sum. What is blocked gets so little and not less: numbers too small for
# float32's full precision take the processor a hundred times as long.
NOTHING = 60.0
BLOCKED = -1e9
KINDS = 8  # one row for each stored kind, 0 is NEUTRAL


@dataclass(frozen=True)
class NetworkSettings:
    """The network's shape."""

    width: int = 64  # 128 overfits a shop's data and doubles the serving time
    layers: int = 2
    heads: int = 2
    feed_forward: int = 128
    dropout: float = 0.5  # high on purpose: shops have few events for each product


class PooledDropout(nn.Module):
    """Dropout whose masks are windows of one pool of random numbers: drawing a number for each value of each step
    costs a third of a training step. The pool is drawn anew after REUSE windows.
    """

    POOL = 1 << 22
    REUSE = 400

    def __init__(self, share: float):
        super().__init__()
        self.share = share
        self._pool = torch.empty(0)
        self._windows_left = 0
        self.random = torch.default_generator
        self.part: tuple[int, int] | None = None  # (first, all): x are rows of so many, and take their part of the mask

    def forward(self, x: Tensor) -> Tensor:
        """x, a random `share` of it zero and the rest scaled up; x itself in eval mode."""
        if not self.training or self.share == 0:
            return x
        first, rows = self.part or (0, len(x))
        of_a_row = x.shape[1:].numel()
        whole = rows * of_a_row
        if self._windows_left == 0 or len(self._pool) < 2 * whole:
            size = max(self.POOL, 2 * whole)
            self._pool = torch.empty(size).bernoulli_(1 - self.share, generator=self.random).div_(1 - self.share)
            self._windows_left = self.REUSE
        self._windows_left -= 1
        start = int(torch.randint(len(self._pool) - whole, (), generator=self.random)) + first * of_a_row
        return x * self._pool[start : start + x.numel()].view(x.shape)


class Layer(nn.Module):
    """Pre-norm attention and feed-forward."""

    def __init__(self, settings: NetworkSettings, drop: PooledDropout):
        super().__init__()
        d = settings.width
        self.heads = settings.heads
        self.attention_norm = nn.LayerNorm(d)
        self.query = nn.Linear(d, d)
        self.key_value = nn.Linear(d, 2 * d)
        self.out = nn.Linear(d, d)
        self.forward_norm = nn.LayerNorm(d)
        self.widen = nn.Linear(d, settings.feed_forward)
        self.narrow = nn.Linear(settings.feed_forward, d)
        self.drop = drop

    def forward(self, x: Tensor, blocked: Tensor, last: Tensor | None = None) -> Tensor:
        """(B, T, d) to (B, T, d); with `last` (B) only that position of each row is computed: (B, 1, d).

        `blocked` is added to the attention scores: 0 where a token may look, -inf-like elsewhere.
        """
        normed = self.attention_norm(x)
        asking = normed
        if last is not None:
            pick = last.reshape(-1, 1, 1).expand(-1, 1, x.shape[-1])
            asking, x = normed.gather(1, pick), x.gather(1, pick)
        x = x + self.drop(self.out(self._attend(asking, normed, blocked)))
        return x + self.drop(self.narrow(self.drop(F.relu(self.widen(self.forward_norm(x))))))

    def _attend(self, asking: Tensor, normed: Tensor, blocked: Tensor) -> Tensor:
        query = self._split(self.query(asking))  # (B, h, Q, d/h)
        key, value = self.key_value(normed).chunk(2, -1)
        key, value = self._split(key), self._split(value)  # (B, h, T, d/h)
        weights = query @ key.transpose(-1, -2) * key.shape[-1] ** -0.5 + blocked  # (B, h, Q, T)
        if not self.training:
            weights = torch.maximum(weights, weights.amax(-1, keepdim=True) - NOTHING)
        mixed = self.drop(weights.softmax(-1)) @ value
        return mixed.transpose(1, 2).flatten(2)  # (B, Q, d)

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)


class Encoder(nn.Module):
    """Item vectors and kinds of a history to one vector; holds no item table, so it is small whatever the catalog."""

    def __init__(self, settings: NetworkSettings):
        super().__init__()
        self.positions = nn.Parameter(torch.zeros(SEQUENCE_LENGTH, settings.width))
        self.kinds = nn.Parameter(torch.zeros(KINDS, settings.width))
        self.drop = PooledDropout(settings.dropout)
        self.layers = nn.ModuleList(Layer(settings, self.drop) for _ in range(settings.layers))
        self.norm = nn.LayerNorm(settings.width)
        self.scale = settings.width**0.5  # item vectors are small, for the sake of the tied output

    def forward(self, items: Tensor, kinds: Tensor, lengths: Tensor) -> Tensor:
        """Vectors (B, T, d), kinds (B, T) and lengths (B), padding on the right, to (B, d). What serving runs."""
        length = items.shape[1]
        order = torch.arange(length)
        # (1, 1, T, T); padding stands after the last token, so looking back never meets it
        blocked = torch.where(order[None, :] > order[:, None], BLOCKED, 0.0)[None, None]
        x = items * self.scale + self.kinds[kinds] + self.positions[:length]
        for layer in self.layers[:-1]:
            x = layer(x, blocked)
        reachable = torch.where(order[None, :] >= lengths[:, None], BLOCKED, 0.0)[:, None, None]  # (B, 1, 1, T)
        return self.norm(self.layers[-1](x, reachable, last=lengths - 1))[:, 0]

    def forward_packed(self, items: Tensor, kinds: Tensor, positions: Tensor, blocked: Tensor) -> Tensor:
        """All positions of packed rows, (R, T, d) to (R, T, d). What training runs."""
        x = self.drop(items * self.scale + F.embedding(kinds, self.kinds) + F.embedding(positions, self.positions))
        for layer in self.layers:
            x = layer(x, blocked)
        return self.norm(x)


class Network(nn.Module):
    """The encoder with the item table, which is both input and (tied) output."""

    def __init__(self, items: int, settings: NetworkSettings):
        super().__init__()
        self.settings = settings
        self.item_matrix = nn.Parameter(torch.zeros(items + 1, settings.width))  # row 0 is padding, stays 0
        self.bias = nn.Parameter(torch.zeros(items + 1))
        self.encoder = Encoder(settings)
        self._start()

    def _start(self) -> None:
        for name, parameter in self.encoder.named_parameters():
            if parameter.dim() == 2:
                nn.init.normal_(parameter, std=0.02 if name in ("positions", "kinds") else parameter.shape[1] ** -0.5)
        # By random numbers of their own: what comes after does not depend on how many products there are.
        items = torch.Generator().manual_seed(torch.initial_seed())
        nn.init.normal_(self.item_matrix[1:].data, std=0.05, generator=items)

    def forward(
        self, items: Tensor, kinds: Tensor, positions: Tensor, blocked: Tensor, queries: Queries = NO_QUERIES
    ) -> Tensor:
        """Hidden vectors (R, T, d) of packed numbers (R, T) of items and `queries`."""
        return self.encoder.forward_packed(self._vectors(items, queries), kinds, positions, blocked)

    def _vectors(self, items: Tensor, queries: Queries) -> Tensor:
        asked = torch.unique(items[items >= len(self.bias)]) if len(queries.bags) else items[:0]
        if len(asked) == 0:
            return F.embedding(items, self.item_matrix)
        bags = [queries.bag(item) for item in asked.tolist()]
        starts = np.cumsum([0, *(len(bag.items) for bag in bags[:-1])])
        found = F.embedding_bag(
            torch.from_numpy(np.concatenate([bag.items for bag in bags]).astype(np.int64)),
            self.item_matrix,
            torch.from_numpy(starts),
            mode="sum",
            per_sample_weights=torch.from_numpy(np.concatenate([bag.weights for bag in bags])),
        )
        rows = torch.where(items >= len(self.bias), len(self.bias) + torch.searchsorted(asked, items), items)
        return F.embedding(rows, torch.cat([self.item_matrix, found]))
