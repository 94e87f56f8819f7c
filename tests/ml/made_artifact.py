"""A complete, valid, random recommender for tests that need one: real arrays, a real ONNX encoder."""

from pathlib import Path

import numpy as np

from recommendations.ml.artifact import ENCODER, WEIGHTS, Manifest, write_arrays, write_manifest
from recommendations.ml.kinds import Kind
from recommendations.ml.ranking import MixWeights, NextItemTable, Score
from recommendations.ml.sequences import SEQUENCE_LENGTH
from recommendations.ml.text import build_index
from recommendations.ml.vocabulary import Vocabulary
from tests.ml.made_encoders import made_encoder

WEIGHTS_OF_THE_MIX = MixWeights(table=0.5, table_eps=0.01, repeat=1.0, repeat_decay=0.98, likeness=0.5)


def make_artifact(
    directory: Path,
    n: int = 30,
    d: int = 16,
    seed: int = 0,
    product_ids: list[str] | None = None,
    texts: list[str] | None = None,
    trained_kinds: tuple[int, ...] = (Kind.PURCHASE,),
    weights: MixWeights = WEIGHTS_OF_THE_MIX,
    eps: float = 1e-4,
) -> Manifest:
    """Write an artifact of random weights into `directory` (made if missing); products are "1".."n" by default.

    Searches match the `texts` of the products, or their ids.
    """
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    product_ids = [str(k) for k in range(1, n + 1)] if product_ids is None else product_ids
    n = len(product_ids)
    rng = np.random.default_rng(seed)
    encoder = made_encoder(d, seed)
    (directory / ENCODER).write_bytes(encoder.graph)
    item_matrix = rng.normal(0, 1, (n + 1, d)).astype(np.float32)
    item_matrix[0] = 0
    bias = rng.normal(0, 0.5, n + 1).astype(np.float32)
    encoder_weights = {f"encoder.{name}": array for name, array in encoder.weights.items()}
    np.savez(directory / WEIGHTS, item_matrix=item_matrix, bias=bias, **encoder_weights)
    popularity = rng.integers(1, 100, n + 1).astype(np.float32)
    popularity[0] = 0
    score = Score(item_matrix, bias, made_table(n, rng), weights)
    write_arrays(directory, score, popularity, Vocabulary(product_ids), build_index(texts or product_ids))
    return write_manifest(
        directory,
        Manifest(
            n=n,
            d=d,
            length=SEQUENCE_LENGTH,
            weights=weights,
            eps=eps,
            trained_kinds=tuple(int(kind) for kind in trained_kinds),
            settings={"network": {"width": d, "heads": 2, "layers": 2}},
            libraries=encoder.libraries,
        ),
    )


def made_table(n: int, rng: np.random.Generator) -> NextItemTable:
    """A table in which every item has up to five followers."""
    rows = [np.zeros(0, np.int32)]
    rows += [np.sort(rng.choice(n, size=min(5, n), replace=False) + 1).astype(np.int32) for _ in range(n)]
    indptr = np.concatenate(([0], np.cumsum([len(row) for row in rows]))).astype(np.int64)
    indices = np.concatenate(rows)
    return NextItemTable(indptr, indices, rng.random(len(indices)).astype(np.float32))
