"""A decoder: a candidate's attribute tokens attend over the encoded history, and say how well it goes with it.

Shapes: B histories, T tokens of the longest, C candidates, A attribute tokens, d the encoder's width, w the decoder's.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.attributes import Attributes
from recommendations.ml.sequences import SEQUENCE_LENGTH, History, tokens
from recommendations.ml.training.learner import look_back
from recommendations.ml.training.network import Network
from recommendations.ml.training.windows import read_kinds

WIDTH = 64
DROPOUT = 0.2
# How often a field of a candidate is read as unknown in training: "unknown" is learned, and no field is all there is.
FIELD_DROPOUT = 0.1
# An attribute's vector is this long, so that a token finds its own like among others from the first step on.
LENGTH = 2.0
# At the start a token looks so much less at a product for each one that came after it, up to ten.
FADE = 0.3


@dataclass(frozen=True, eq=False)
class Encoded:
    """Histories as the encoder read them: its hidden state at every token, padding on the right."""

    hidden: Tensor  # float32 (B, T, d)
    items: Tensor  # int64 (B, T), 0 where there is no token
    lengths: Tensor  # int64 (B)


def encode_tokens(network: Network, histories: Sequence[History], trained_kinds: Sequence[int]) -> Encoded:
    """What the network, which stays as it is, makes of histories without searches."""
    read = [tokens(history) for history in histories]
    lengths = np.array([len(items) for items, _ in read])
    items, kinds = (np.zeros((len(read), lengths.max()), np.int64) for _ in range(2))
    as_read = read_kinds(trained_kinds)
    for row, (read_items, read_kind) in enumerate(read):
        items[row, : lengths[row]], kinds[row, : lengths[row]] = read_items, as_read[read_kind]
    numbers = torch.from_numpy(items)
    positions = torch.arange(items.shape[1]).expand(items.shape)
    seen = look_back(torch.zeros_like(numbers))  # padding stands after the last token, so looking back never meets it
    with torch.no_grad():
        hidden = network(numbers, torch.from_numpy(kinds), positions, seen)
    return Encoded(hidden, numbers, torch.from_numpy(lengths))


class AttributeDecoder(nn.Module):
    """Cross-attention from a candidate's attributes to the products of a history.

    A token of the memory is what the encoder says there, and what the product there is: its attributes, in the same
    vectors. The maps start as they are (identity), so an attribute first looks for its like, and learns what else it
    goes with. One more token, "nothing", is looked at where the history holds nothing that concerns it.
    """

    def __init__(self, attributes: Attributes, encoder_width: int):
        super().__init__()
        for name in ("tokens", "unknown", "field"):
            self.register_buffer(name, torch.from_numpy(getattr(attributes, name)))
        self.vectors = nn.Embedding(attributes.count, WIDTH, padding_idx=0)
        self.read_hidden = nn.Linear(encoder_width, WIDTH)
        self.query, self.key, self.value = (nn.Linear(WIDTH, WIDTH, bias=False) for _ in range(3))
        self.recency = nn.Parameter(-FADE * torch.arange(float(SEQUENCE_LENGTH)).clamp(max=10))
        self.alike = nn.Parameter(torch.zeros(()))
        self.widen, self.narrow = nn.Linear(3 * WIDTH, WIDTH), nn.Linear(WIDTH, 1)
        self.drop = nn.Dropout(DROPOUT)
        self._start()

    def _start(self) -> None:
        nn.init.normal_(self.vectors.weight, std=LENGTH * WIDTH**-0.5)
        nn.init.normal_(self.read_hidden.weight, std=0.02)
        for start_as_identity in (self.query, self.key, self.value):
            nn.init.eye_(start_as_identity.weight)
        nn.init.zeros_(self.narrow.weight)  # so the mix decides alone at first
        nn.init.zeros_(self.narrow.bias)
        with torch.no_grad():  # to be unknown makes nobody alike
            self.vectors.weight[: int(self.unknown.max()) + 1] = 0

    def forward(self, encoded: Encoded, candidates: Tensor) -> Tensor:
        """What to add to the scores of candidates (B, C), float32 (B, C)."""
        numbers = self._attributes(candidates)
        asking = self.vectors(numbers).flatten(1, 2)  # (B, CA, w)
        read = self._attend(asking, encoded)
        both = torch.cat((asking, read, asking * read), -1)
        found = self.narrow(self.drop(F.relu(self.widen(self.drop(both)))))[..., 0]
        found = (found + self.alike * (asking * read).sum(-1)).view(numbers.shape)  # (B, C, A)
        used = numbers > 0
        return (found * used).sum(2) / used.sum(2)

    def _attributes(self, candidates: Tensor) -> Tensor:
        numbers = self.tokens[candidates]  # (B, C, A)
        if not self.training:
            return numbers
        hidden = torch.rand(*candidates.shape, int(self.field[-1]) + 1) < FIELD_DROPOUT
        return torch.where(hidden[..., self.field], self.unknown, numbers)

    def _attend(self, asking: Tensor, encoded: Encoded) -> Tensor:
        memory = self.read_hidden(self.drop(encoded.hidden)) + self.vectors(self.tokens[encoded.items]).sum(2)
        later = encoded.lengths[:, None] - 1 - torch.arange(memory.shape[1])  # tokens that came after, < 0 is padding
        shift = torch.where(later < 0, -1e9, self.recency[later.clamp(min=0)])
        memory, shift = F.pad(memory, (0, 0, 1, 0)), F.pad(shift, (1, 0))  # the first token is "nothing"
        weights = self.query(asking) @ self.key(memory).transpose(1, 2) + shift[:, None]  # (B, CA, T+1)
        return weights.softmax(-1) @ self.value(memory)
