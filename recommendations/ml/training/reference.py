"""The independent check of what is served: the score written a second time, in plain torch, from the stored weights.

It shares with serving only the reading of a history (tokens) and the vocabulary; one history at a time, whole catalog.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ..artifact import WEIGHTS, Manifest, read_array, read_query_index, read_vocabulary, verify
from ..kinds import Kind
from ..newcomers import BIAS as NEWCOMER_BIAS
from ..newcomers import Newcomer
from ..sequences import History, tokens
from ..text import QueryIndex
from ..vocabulary import Vocabulary


class ReferenceScorer:
    """Scores one history at a time with an artifact's weights; slow on purpose."""

    def __init__(self, directory: Path, manifest: Manifest):
        self.manifest = manifest
        self.vocabulary: Vocabulary = read_vocabulary(directory)
        self.query_index: QueryIndex = read_query_index(directory)
        with np.load(Path(directory) / WEIGHTS, allow_pickle=False) as stored:
            self._weights = {name: torch.from_numpy(stored[name]) for name in stored.files}
        self._indptr = read_array(directory, "next_item_indptr.npy").tolist()
        self._followers = torch.from_numpy(read_array(directory, "next_item_indices.npy").astype(np.int64))
        self._strengths = torch.from_numpy(np.array(read_array(directory, "next_item_values.npy")))
        self._alike: list[tuple[int, int, float]] = []  # of products that came later, with a known one, either way
        self._heads = manifest.settings["network"]["heads"]
        self._layers = manifest.settings["network"]["layers"]

    def take_in(self, newcomers: Sequence[Newcomer]) -> None:
        """Know these products too: each in the mean direction of those like it, at their mean length."""
        vectors, biases = [self._weights["item_matrix"]], [self._weights["bias"]]
        for newcomer in newcomers:
            items = torch.from_numpy(newcomer.like_it.items.astype(np.int64))
            shares = torch.from_numpy(newcomer.like_it.weights)
            like_it = self._weights["item_matrix"][items]
            direction = F.normalize((like_it * shares[:, None]).sum(0), dim=0)
            vectors.append((direction * (like_it.norm(dim=1) * shares).sum())[None])
            biases.append(((self._weights["bias"][items] * shares).sum() + NEWCOMER_BIAS)[None])
            self._indptr.append(self._indptr[-1])
            number = len(self._indptr) - 2
            for known, cosine in zip(newcomer.likeness.items.tolist(), newcomer.likeness.weights.tolist(), strict=True):
                self._alike += [(number, known, cosine), (known, number, cosine)]
        self._weights["item_matrix"], self._weights["bias"] = torch.cat(vectors), torch.cat(biases)
        self.vocabulary = self.vocabulary.extended([newcomer.product_id for newcomer in newcomers])

    @classmethod
    def open(cls, directory: Path | str) -> "ReferenceScorer":
        """The artifact in `directory`; ArtifactError when a file is damaged."""
        return cls(Path(directory), verify(Path(directory)))

    def scores(self, history: History) -> np.ndarray:
        """f of every item, float32 (n+1); item 0 is -inf. ValueError for an empty history."""
        if len(history) == 0:
            raise ValueError("the history is empty; a shopper without events has no score")
        with torch.inference_mode():
            hidden = self._hidden(history)
            scores = torch.mv(self._weights["item_matrix"], hidden) + self._weights["bias"]
            mix = self.manifest.weights
            scores *= mix.network
            scores += mix.table * torch.log(self._next(history) + mix.table_eps)
            repeats = self._repeats(history)
            scores += mix.repeat * torch.log1p(repeats) + mix.bought * (repeats > 0)
            scores[0] = -torch.inf
        return scores.numpy()

    def _hidden(self, history: History) -> Tensor:
        items, kinds = tokens(history)
        kinds = [int(kind) if kind in self.manifest.trained_kinds else 0 for kind in kinds]
        x = torch.stack([self._vector(history, item) for item in items.tolist()]) * self.manifest.d**0.5  # (T, d)
        x = x + self._weights["encoder.kinds"][kinds] + self._weights["encoder.positions"][: len(kinds)]
        for layer in range(self._layers):
            x = self._layer(x, f"encoder.layers.{layer}.")
        return self._norm(x, "encoder.norm")[-1]

    def _vector(self, history: History, item: int) -> Tensor:
        """A product's vector; a search's is the mean of those of its products, by weight."""
        if item <= len(self.vocabulary):
            return self._weights["item_matrix"][item]
        bag = history.queries.bags[item - len(self.vocabulary) - 1]
        vectors = [w * self._weights["item_matrix"][i] for i, w in zip(bag.items.tolist(), bag.weights, strict=True)]
        return torch.stack(vectors).sum(0)

    def _layer(self, x: Tensor, name: str) -> Tensor:
        normed = self._norm(x, name + "attention_norm")
        query = self._linear(normed, name + "query")
        key, value = self._linear(normed, name + "key_value").split(x.shape[1], dim=1)
        later = torch.ones(len(x), len(x), dtype=torch.bool).triu(1)
        width = x.shape[1] // self._heads
        heads = []
        for h in range(self._heads):
            part = slice(h * width, (h + 1) * width)
            weights = (query[:, part] @ key[:, part].T / width**0.5).masked_fill(later, -torch.inf)
            heads.append(torch.softmax(weights, dim=1) @ value[:, part])
        x = x + self._linear(torch.cat(heads, dim=1), name + "out")
        wide = torch.relu(self._linear(self._norm(x, name + "forward_norm"), name + "widen"))
        return x + self._linear(wide, name + "narrow")

    def _norm(self, x: Tensor, name: str) -> Tensor:
        return F.layer_norm(x, x.shape[-1:], self._weights[name + ".weight"], self._weights[name + ".bias"])

    def _linear(self, x: Tensor, name: str) -> Tensor:
        return x @ self._weights[name + ".weight"].T + self._weights[name + ".bias"]

    def _products(self, history: History) -> list[int]:
        return [item for item in tokens(history)[0].tolist() if item <= len(self.vocabulary)]

    def _next(self, history: History) -> Tensor:
        strength, mix = torch.zeros(len(self.vocabulary) + 1), self.manifest.weights
        for age, item in enumerate(reversed(self._products(history)[-mix.table_reads :])):
            row = slice(self._indptr[item], self._indptr[item + 1])
            strength.index_add_(0, self._followers[row], self._strengths[row], alpha=mix.table_fade**age)
            for _, other, cosine in filter(lambda pair: pair[0] == item, self._alike):
                strength[other] += mix.table_fade**age * mix.likeness * cosine
        return strength

    def _repeats(self, history: History) -> Tensor:
        repeats = torch.zeros(len(self.vocabulary) + 1, dtype=torch.float64)
        newest_first = list(zip(history.items.tolist(), history.kinds.tolist(), strict=True))[::-1]
        for age, (item, kind) in enumerate(newest_first[:600]):
            if kind == Kind.PURCHASE:
                repeats[item] += self.manifest.weights.repeat_decay**age
        return repeats.float()


def use_one_thread() -> None:
    """For a process that scores one history at a time: several threads would only wait for each other."""
    torch.set_num_threads(1)
