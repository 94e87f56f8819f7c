"""What finding the causes of a whole list costs beyond ranking it: in process, one core, no queries.

`python -m benchmarks.explaining_speed --products 100000 --json OUT`. The recommender has weights by chance, since the
cost of a removal does not depend on them; how many pairs are tried does, so `benchmarks.explanations` prints what
a trained one costs. Each figure is the median of several runs, its spread their smallest and largest.

- latency_ms: all that a page pays, single causes and a look for pairs where there is none.
- causes_ms: single causes alone.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
import torch

from benchmarks.demo import percentiles
from benchmarks.telling import tell
from recommendations.ml.kinds import Kind
from recommendations.ml.pairs import EitherEnough
from recommendations.ml.ranking import MixWeights, NextItemTable, Score, top_k
from recommendations.ml.reasons import LeaveOneOut
from recommendations.ml.scorer import Scorer
from recommendations.ml.sequences import History
from recommendations.ml.staying import Reading
from recommendations.ml.training.export import write_artifact
from recommendations.ml.training.network import Network, NetworkSettings
from recommendations.ml.training.reference import use_one_thread
from recommendations.ml.training.settings import TrainingSettings
from recommendations.ml.training.tables import Tables
from recommendations.ml.vocabulary import Vocabulary

POOL, LIMIT, EVENTS = 1_000, 10, 50
FOLLOWERS = 50  # of each product in the next-item table
WEIGHTS = MixWeights(table=0.5, table_eps=0.01, repeat=1.0, repeat_decay=0.995)


@dataclass(frozen=True)
class Took:
    """Milliseconds of one list."""

    ranking: float
    causes: float
    pairs: float  # beyond the single causes


def made_recommender(products: int, directory: Path) -> Scorer:
    """A complete artifact of weights by chance."""
    rng = np.random.default_rng(0)
    torch.manual_seed(0)
    network = Network(products, NetworkSettings()).eval()
    table = _table(products, rng)
    matrix, bias = network.item_matrix.detach().numpy(), np.zeros(products + 1, np.float32)
    score = Score(matrix, bias, table, WEIGHTS)
    popularity = rng.zipf(1.5, products + 1).clip(max=10_000).astype(np.float32)
    tables = Tables(popularity, popularity, None, {0.0: table}, (Kind.PURCHASE,))
    names = Vocabulary([str(k) for k in range(1, products + 1)])
    write_artifact(directory, network, score, tables, names, TrainingSettings())
    return Scorer.open(directory)


def _table(products: int, rng: np.random.Generator) -> NextItemTable:
    indices = np.sort((rng.random((products, FOLLOWERS)) * (products // FOLLOWERS)).astype(np.int32), axis=1)
    indices = indices + 1 + np.arange(FOLLOWERS, dtype=np.int32) * (products // FOLLOWERS)  # distinct in a row
    indptr = np.concatenate(([0, 0], np.arange(1, products + 1) * FOLLOWERS))
    values = rng.random(products * FOLLOWERS).astype(np.float32)
    return NextItemTable(indptr, indices.ravel().astype(np.int32), values)


def one_list(scorer: Scorer, history: History) -> Took:
    """Rank a list and find what each of its products rests on, as serving does."""
    start = perf_counter()
    whole = Reading.of(scorer, history)
    scores = whole.scores.copy()
    scores[history.items] = -np.inf
    pool = top_k(scores, POOL).astype(np.int32)
    ranked = perf_counter()
    left = LeaveOneOut(scorer, history, pool, scores[pool])
    causes = {item: left.causes(item, place, LIMIT) for place, item in enumerate(pool[:LIMIT].tolist(), start=1)}
    explained = perf_counter()
    rivals = np.ones(len(scores), bool)
    rivals[[0, *history.items]] = False
    unexplained = {item: place for place, (item, found) in enumerate(causes.items(), start=1) if not found}
    if unexplained:
        EitherEnough(left, whole, rivals, history.units()).causes(unexplained, LIMIT)
    ended = perf_counter()
    return Took((ranked - start) * 1e3, (explained - ranked) * 1e3, (ended - explained) * 1e3)


def measured(scorer: Scorer, distinct: int, calls: int, seed: int) -> dict[str, dict[str, float]]:
    """Percentiles over `calls` lists of histories of EVENTS events (or as many as products) with so many products."""
    rng = np.random.default_rng(seed)
    took = []
    for _ in range(calls + 5):
        items = rng.choice(scorer.manifest.n, distinct, replace=False) + 1
        more = rng.choice(items, max(EVENTS - distinct, 0))
        read = rng.permutation(np.concatenate((items, more)))
        took.append(one_list(scorer, History.of(read, [Kind.PURCHASE] * len(read))))
    took = took[5:]
    return {
        "ranking": percentiles([one.ranking for one in took]),
        "causes": percentiles([one.causes for one in took]),
        "causes_and_pairs": percentiles([one.causes + one.pairs for one in took]),
    }


def several(scorer: Scorer, distinct: int, calls: int, runs: int) -> dict[str, dict[str, dict[str, float]]]:
    """The median run of each percentile, with the smallest and the largest."""
    found = [measured(scorer, distinct, calls, seed) for seed in range(runs)]
    return {part: {p: _spread([run[part][p] for run in found]) for p in ("p50", "p99")} for part in found[0]}


def _medians(found: dict[str, dict[str, dict[str, dict[str, float]]]], part: str) -> dict[str, dict[str, float]]:
    return {k: {p: parts[part][p]["median"] for p in ("p50", "p99")} for k, parts in found.items()}


def _spread(values: list[float]) -> dict[str, float]:
    return {"median": float(np.median(values)), "least": min(values), "most": max(values)}


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--products", type=int, default=100_000)
    parser.add_argument("--calls", type=int, default=200)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", type=Path, metavar="OUT")
    options = parser.parse_args(arguments)
    use_one_thread()
    with TemporaryDirectory() as name:
        scorer = made_recommender(options.products, Path(name))
        found = {str(k): several(scorer, k, options.calls, options.runs) for k in (16, 50)}
    report = {
        "products": options.products,
        "latency_ms": _medians(found, "causes_and_pairs"),
        "causes_ms": _medians(found, "causes"),
        "parts": found,
    }
    tell(report, options.json)


if __name__ == "__main__":
    main()
