"""A recommender for a shop that has too few shoppers to learn from and to judge by: all of it is counted, none learned.

f is what it always is (ranking.py), so that reasons, predictions and audits hold as ever: what is popular, what came
next and what is alike by its words. The network has no weights but those that let it point where the words of the
newest event point; so a search counts from the first day.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from scipy import sparse
from sklearn.utils.extmath import randomized_svd

from ..artifact import Manifest, write_manifest
from ..interactions import InteractionLog
from ..kinds import Kind
from ..ranking import MixWeights
from ..sequences import REPEAT_WINDOW, History
from ..text import QueryIndex
from ..vocabulary import Vocabulary
from .export import write_artifact
from .mixing import START, Mix
from .network import Network, NetworkSettings
from .parity import check_parity
from .settings import TrainingSettings
from .tables import Tables, build_tables
from .threads import on_threads

# How parts count that nobody's choice can tell of yet; on Amazon Beauty's last but one products (docs/decisions/0021).
WEIGHTS = MixWeights(
    table=1.0, table_eps=0.03, repeat=START.weights.repeat, repeat_decay=0.995, network=0.1, likeness=0.1
)
POWER, RECENT = 0.0, 0.2
# Made-up visitors whose scores are compared between what is served and the reference.
COMPARED = 20


def write_counted(
    log: InteractionLog,
    vocabulary: Vocabulary,
    index: QueryIndex,
    directory: Path,
    settings: TrainingSettings,
    report: Callable[[float], None] = lambda share: None,
) -> Mix:
    """Write an artifact of what `log`, which may be empty, and the words of the products in `index` tell; returns how
    its parts are weighed. `report(share done)` may end it.
    """
    n, now = len(vocabulary), int(log.time.max(initial=0)) + 1
    with on_threads(settings.threads):
        report(0.0)
        tables = build_tables(log, n, now, index)
        report(0.4)
        network, mix = network_and_mix(tables, index, n, settings.width)
        score = mix.score_of(network, tables)
        report(0.6)
        manifest = write_artifact(directory, network, score, tables, vocabulary, settings, index)
        eps = check_parity(directory, _visitors(n), lambda share: report(0.7 + 0.3 * share))["eps"]
        write_manifest(directory, Manifest(**{**vars(manifest), "eps": eps}))
    return mix


def network_and_mix(
    tables: Tables, index: QueryIndex, n: int, width: int = NetworkSettings.width
) -> tuple[Network, Mix]:
    """The network and the weights that make of these tables and words what a new shop is served."""
    network = _pointing_where_words_do(index, n, width)
    return network, Mix(_bought_last(network, tables), POWER, RECENT / WEIGHTS.network)


def word_vectors(index: QueryIndex, n: int, width: int) -> np.ndarray:
    """(n+1, width) float32: products of like words near each other, of length 1; 0 for those without words.

    The left singular vectors of their tf-idf matrix by their singular values (latent semantic analysis, Deerwester et
    al., JASIS 41(6), 1990).
    """
    vectors = np.zeros((n + 1, width), np.float32)
    if len(index.items):
        words = sparse.csr_array((index.values, index.items, index.indptr), shape=(len(index.words), n + 1)).T.tocsr()
        rank = min(width, *words.shape)
        left, strength, _ = randomized_svd(words, rank, n_oversamples=8, n_iter=3, random_state=0)
        found = left * strength
        vectors[:, :rank] = found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-9)
        vectors[np.diff(words.indptr) == 0] = 0  # what rounding left there
    return vectors


def _pointing_where_words_do(index: QueryIndex, n: int, width: int) -> Network:
    """A network of which every layer adds nothing: its reading of a history is the newest event's vector."""
    network = Network(n, NetworkSettings(width=width, feed_forward=2 * width))
    with torch.no_grad():
        for parameter in network.encoder.parameters():
            parameter.zero_()
        network.encoder.norm.weight.fill_(1.0)
        network.item_matrix.copy_(torch.from_numpy(word_vectors(index, n, width)))
    return network.eval()


def _bought_last(network: Network, tables: Tables) -> MixWeights:
    """WEIGHTS with what was bought behind all else: nothing says yet that anybody buys a product twice."""
    reading = network.settings.width**0.5  # the length of a normed vector; those of words are 1 long
    strongest = tables.table(POWER, WEIGHTS.likeness).values.max(initial=0) / (1 - WEIGHTS.table_fade)
    reach = 2 * WEIGHTS.network * reading + RECENT * np.log1p(tables.recent.max())
    reach += WEIGHTS.of_followers(np.array([strongest], np.float32))[0]
    most = WEIGHTS.repeat * np.log1p(np.sum(WEIGHTS.repeat_decay ** np.arange(REPEAT_WINDOW)))
    return replace(WEIGHTS, bought=-float(reach + most))


def _visitors(n: int) -> list[History]:
    """Made-up histories of products from all over the catalog."""
    firsts = np.linspace(1, n, min(COMPARED, n)).astype(int)
    return [History.of([first, 1 + first % n], [Kind.VIEW, Kind.PURCHASE]) for first in firsts.tolist()]
