"""The score computed a third time, in plain numpy from the stored weights, where neither torch nor speed is needed.

For whoever looks into one recommendation: it shows where each head looked, and verifies what is served without
onnxruntime. float64, one history at a time, the whole catalog.
"""

from collections import defaultdict
from collections.abc import Sequence
from copy import copy
from pathlib import Path

import numpy as np

from .artifact import (
    BIAS,
    INDICES,
    INDPTR,
    VALUES,
    WEIGHTS,
    Manifest,
    read_array,
    read_item_matrix,
    read_query_index,
    verify,
)
from .kinds import NEUTRAL, Kind
from .newcomers import BIAS as NEWCOMER_BIAS
from .newcomers import Newcomer, without_followers
from .sequences import History, tokens
from .vocabulary import Vocabulary


class PlainScorer:
    """Scores one history at a time with an artifact's weights.

    `vocabulary` ends with the `newcomers`.
    """

    def __init__(self, directory: Path, manifest: Manifest, vocabulary: Vocabulary, newcomers: Sequence[Newcomer] = ()):
        self.manifest, self.vocabulary, self.query_index = manifest, vocabulary, read_query_index(directory)
        with np.load(Path(directory) / WEIGHTS, allow_pickle=False) as stored:
            self._weights = {name: stored[name].astype(np.float64) for name in stored.files if name.startswith("enc")}
        self._matrix, self._bias = read_item_matrix(directory, manifest), read_array(directory, BIAS)
        self._indptr, self._followers, self._strengths = (
            read_array(directory, name) for name in (INDPTR, INDICES, VALUES)
        )
        self._take_in(newcomers)
        self._heads = manifest.settings["network"]["heads"]
        self._layers = manifest.settings["network"]["layers"]

    @classmethod
    def open(cls, directory: Path, vocabulary: Vocabulary, newcomers: Sequence[Newcomer] = ()) -> "PlainScorer":
        """The artifact in `directory`; ArtifactError when a file is damaged."""
        return cls(Path(directory), verify(Path(directory)), vocabulary, newcomers)

    def _take_in(self, newcomers: Sequence[Newcomer]) -> None:
        """Each in the mean direction of the products like it, as far out as they are on average."""
        vectors, biases = [], []
        self._behind = _rows_behind(newcomers, len(self._bias), self.manifest.weights.likeness)
        for newcomer in newcomers:
            bag = newcomer.like_it
            like_it, shares = self._matrix[bag.items].astype(np.float64), bag.weights.astype(np.float64)
            mean = (like_it * shares[:, None]).sum(axis=0)
            length = max(float((mean**2).sum() ** 0.5), 1e-30)
            vectors.append(mean / length * float(((like_it**2).sum(axis=1) ** 0.5 * shares).sum()))
            biases.append(float((self._bias[bag.items] * shares).sum()) + NEWCOMER_BIAS)
        if newcomers:
            self._matrix = np.concatenate((self._matrix, np.array(vectors)))
            self._bias = np.concatenate((self._bias, np.array(biases)))
            self._indptr = without_followers(self._indptr, len(newcomers))

    def randomised(self, rng: np.random.Generator) -> "PlainScorer":
        """The same recommender with an encoder that learned nothing: the numbers of each of its arrays shuffled."""
        other = copy(self)
        other._weights = {
            name: rng.permuted(array.ravel()).reshape(array.shape) for name, array in self._weights.items()
        }
        return other

    def scores(self, history: History) -> np.ndarray:
        """f of every item, float64 (n+1); item 0 is -inf. ValueError for an empty history."""
        hidden, _ = self._read(history)
        mix = self.manifest.weights
        scores = mix.network * (self._matrix @ hidden + self._bias)
        scores += mix.table * np.log(self._next(history) + mix.table_eps)
        repeats = self._repeats(history)
        scores += mix.repeat * np.log1p(repeats) + mix.bought * (repeats > 0)
        scores[0] = -np.inf
        return scores

    def attention(self, history: History) -> np.ndarray:
        """How much each head of each layer looks at each token from the last one: (layers, heads, T), rows sum to 1."""
        return self._read(history)[1]

    def _read(self, history: History) -> tuple[np.ndarray, np.ndarray]:
        """(the reading (d), the last token's attention (layers, heads, T))."""
        if len(history) == 0:
            raise ValueError("the history is empty; a shopper without events has no score")
        items, kinds = tokens(history)
        kinds = np.where(np.isin(kinds, self.manifest.trained_kinds), kinds, NEUTRAL)
        x = np.stack([self._vector(history, item) for item in items.tolist()]) * self.manifest.d**0.5
        x += self._weights["encoder.kinds"][kinds] + self._weights["encoder.positions"][: len(items)]
        looked = []
        for layer in range(self._layers):
            x, weights = self._layer(x, f"encoder.layers.{layer}.")
            looked.append(weights[:, -1])
        return self._norm(x, "encoder.norm")[-1], np.stack(looked)

    def _vector(self, history: History, item: int) -> np.ndarray:
        """A product's vector; a search's is the mean of those of its products, by weight."""
        if item <= len(self.vocabulary):
            return self._matrix[item].astype(np.float64)
        bag = history.queries.bags[item - len(self.vocabulary) - 1]
        return (self._matrix[bag.items] * bag.weights[:, None].astype(np.float64)).sum(axis=0)

    def _layer(self, x: np.ndarray, name: str) -> tuple[np.ndarray, np.ndarray]:
        """(T, d) to (T, d), with the attention (heads, T, T)."""
        normed = self._norm(x, name + "attention_norm")
        key, value = np.split(self._linear(normed, name + "key_value"), 2, axis=1)
        query, key, value = (
            part.reshape(len(x), self._heads, -1).transpose(1, 0, 2)
            for part in (self._linear(normed, name + "query"), key, value)
        )
        logits = query @ key.transpose(0, 2, 1) / key.shape[-1] ** 0.5
        logits[:, np.triu(np.ones((len(x), len(x)), bool), 1)] = -np.inf
        weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
        weights /= weights.sum(axis=-1, keepdims=True)
        x = x + self._linear((weights @ value).transpose(1, 0, 2).reshape(len(x), -1), name + "out")
        wide = np.maximum(self._linear(self._norm(x, name + "forward_norm"), name + "widen"), 0)
        return x + self._linear(wide, name + "narrow"), weights

    def _norm(self, x: np.ndarray, name: str) -> np.ndarray:
        centred = x - x.mean(axis=-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-5)
        return scaled * self._weights[name + ".weight"] + self._weights[name + ".bias"]

    def _linear(self, x: np.ndarray, name: str) -> np.ndarray:
        return x @ self._weights[name + ".weight"].T + self._weights[name + ".bias"]

    def _products(self, history: History) -> list[int]:
        return [item for item in tokens(history)[0].tolist() if item <= len(self.vocabulary)]

    def _next(self, history: History) -> np.ndarray:
        strength, mix = np.zeros(len(self.vocabulary) + 1), self.manifest.weights
        for age, item in enumerate(reversed(self._products(history)[-mix.table_reads :])):
            row = slice(self._indptr[item], self._indptr[item + 1])
            strength[self._followers[row]] += mix.table_fade**age * self._strengths[row]
            for other, value in self._behind.get(item, ()):
                strength[other] += mix.table_fade**age * value
        return strength

    def _repeats(self, history: History) -> np.ndarray:
        repeats = np.zeros(len(self.vocabulary) + 1)
        newest_first = zip(history.items[::-1].tolist(), history.kinds[::-1].tolist(), strict=True)
        for age, (item, kind) in enumerate(newest_first):
            if age < 600 and kind == Kind.PURCHASE:
                repeats[item] += self.manifest.weights.repeat_decay**age
        return repeats


def _rows_behind(newcomers: Sequence[Newcomer], first: int, weight: float) -> dict[int, list[tuple[int, float]]]:
    """How alike products and those that came later are, of whatever is alike: item -> (other, how much)."""
    rows = defaultdict(list)
    for item, newcomer in enumerate(newcomers, start=first):
        for other, cosine in zip(newcomer.likeness.items.tolist(), newcomer.likeness.weights.tolist(), strict=True):
            rows[item].append((other, weight * cosine))
            rows[other].append((item, weight * cosine))
    return rows
