"""The served recommender: an artifact opened for scoring. The only importer of onnxruntime."""

from collections.abc import Sequence
from copy import copy
from pathlib import Path
from threading import Lock

import numpy as np
import onnxruntime

from .artifact import (
    ENCODER,
    POPULARITY,
    Manifest,
    read_array,
    read_bytes,
    read_manifest,
    read_query_index,
    read_score,
    read_vocabulary,
    verify,
)
from .kinds import NEUTRAL, Kind
from .newcomers import Newcomer, ids, with_newcomers
from .ranking import Score, token_vectors
from .sequences import History, tokens
from .vocabulary import Vocabulary

# Histories in one call of the network: more take no less time each, and the session keeps the memory of the largest.
BLOCK = 17


class Scorer:
    """Scores histories with one artifact; safe to share between threads."""

    def __init__(self, directory: Path, manifest: Manifest, checked: bool = True):
        self.manifest = manifest
        self.directory = Path(directory)
        self._encoder = _Encoder(read_bytes(directory, ENCODER, manifest if checked else None))
        self.score: Score = read_score(directory, manifest)
        self.newcomers: tuple[Newcomer, ...] = ()
        self.vocabulary: Vocabulary = read_vocabulary(directory)
        # What newcomers are placed by. Read now, not when the first comes: a local copy's folder may be gone then.
        self.popularity = read_array(directory, POPULARITY)
        self.query_index = read_query_index(directory)
        # kind as stored -> kind as the network reads it
        self._read_as = np.full(256, NEUTRAL, np.int64)
        self._read_as[list(manifest.trained_kinds)] = manifest.trained_kinds

    @classmethod
    def open(cls, directory: Path | str, check: bool = True) -> "Scorer":
        """The artifact in `directory`; ArtifactError when a file is damaged (`check=False`: trusts the files)."""
        directory = Path(directory)
        return cls(directory, verify(directory) if check else read_manifest(directory), check)

    def with_newcomers(self, newcomers: Sequence[Newcomer]) -> "Scorer":
        """A scorer that knows these products too, beside those it knows; this one stays as it is."""
        other = copy(self)
        other.score = with_newcomers(self.score, newcomers)
        other.newcomers = (*self.newcomers, *newcomers)
        other.vocabulary = self.vocabulary.extended(ids(newcomers))
        return other

    @property
    def version(self) -> str:
        """Names the artifact's contents."""
        return self.manifest.version

    @property
    def eps(self) -> float:
        """Scores closer than this count as equal when a "because" is claimed."""
        return self.manifest.eps

    def warm_up(self) -> None:
        """Open the network and read the item matrix once, so that no shopper waits for it."""
        self.scores([History.of([1], [Kind.VIEW])])

    def encode(self, histories: Sequence[History]) -> np.ndarray:
        """The network's reading of each history, float32 (B, d); ValueError for an empty history."""
        if len(histories) <= BLOCK:
            return self._encode(histories)
        blocks = (histories[start : start + BLOCK] for start in range(0, len(histories), BLOCK))
        return np.concatenate([self._encode(block) for block in blocks])

    def _encode(self, histories: Sequence[History]) -> np.ndarray:
        read = [tokens(history) for history in histories]
        lengths = np.array([len(items) for items, _ in read], np.int64)
        if len(lengths) == 0 or lengths.min() == 0:
            raise ValueError("the history is empty; a shopper without events has no score, show popular products")
        items = np.zeros((len(read), lengths.max()), np.int32)
        kinds = np.zeros(items.shape, np.int64)
        for b, (row_items, row_kinds) in enumerate(read):
            items[b, : len(row_items)] = row_items
            kinds[b, : len(row_kinds)] = self._read_as[row_kinds]
        vectors = token_vectors(self.score.item_matrix, items, histories)
        feeds = {"items": vectors, "kinds": kinds, "lengths": lengths}
        return self._encoder.session().run(["hidden"], feeds)[0]

    def scores(self, histories: Sequence[History], items: np.ndarray | None = None) -> np.ndarray:
        """f as float32 (B, M) for distinct item numbers `items`, or (B, n+1) for the whole catalog."""
        return self.score.score(self.encode(histories), histories, items)


class _Encoder:
    """The exported network, opened at its first call: a pre-forking server opens one in each worker, since sessions do
    not survive a fork. It is made of the bytes that were checked, since the file may change before that call.
    """

    def __init__(self, network: bytes) -> None:
        self._network, self._opening = network, Lock()
        self._session: onnxruntime.InferenceSession | None = None

    def session(self) -> onnxruntime.InferenceSession:
        with self._opening:
            if self._session is None:
                options = onnxruntime.SessionOptions()
                options.intra_op_num_threads = 1
                options.inter_op_num_threads = 1
                options.enable_mem_pattern = False  # it keeps a plan for every shape, and each history has its own
                self._session = onnxruntime.InferenceSession(self._network, options, providers=["CPUExecutionProvider"])
                self._network = b""  # the session has its own
            return self._session
