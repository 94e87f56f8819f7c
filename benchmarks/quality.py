"""How good the lists are, on public data, beside what any recommender must beat.

`python -m benchmarks.quality --data FILE --protocol leave-one-out|time|next-order --split DATE --seeds 3 --json OUT`;
files and protocols: benchmarks/protocols.py. The weights of the mix are chosen on earlier shoppers, the full catalog is
ranked, and ties count against whoever ties.

- each metric: mean and standard deviation over seeds, and the middle 95 % of a bootstrap over shoppers ("ci").
- paired_gain: NDCG@10 of each shopper over the best baseline's; ahead only when the interval is above 0.
- cpu_seconds, wall_seconds: from the file to the artifact, of one seed, without this evaluation; peak_rss_mb: with it.
"""

import argparse
import json
import resource
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time

import numpy as np
import torch

from benchmarks.protocols import PROTOCOLS, Question, ask
from benchmarks.tifu import tifu_scores, tifu_vectors
from recommendations.ml.baselines import bought_before, popularity
from recommendations.ml.fidelity import paired_bootstrap
from recommendations.ml.metrics import averages, ndcg
from recommendations.ml.ranking import Columns, next_item_strength
from recommendations.ml.sequences import History
from recommendations.ml.splitting import HeldOut
from recommendations.ml.training.fit import fit
from recommendations.ml.training.judge import Method, Protocol, encode
from recommendations.ml.training.mixing import MixSearch
from recommendations.ml.training.neighbours import item_neighbours, neighbour_scores
from recommendations.ml.training.parity import check_parity
from recommendations.ml.training.pipeline import write_artifact
from recommendations.ml.training.settings import TrainingSettings, plan
from recommendations.ml.training.tables import Tables, build_tables
from recommendations.ml.vocabulary import Vocabulary

LIST_LENGTH = 20


def measure_seed(question: Question, seed: int, options: argparse.Namespace) -> tuple[list[list[int]], dict]:
    """Fit as a training fits; returns the list of each asked shopper and what it cost."""
    began, cpu = perf_counter(), process_time()
    settings = replace(TrainingSettings(), seed=seed, steps=options.steps)
    past = question.log.before(question.choose_from)
    tables = build_tables(past, question.products, question.choose_from)
    chosen = plan(len(past), question.products, settings)
    network = fit(past, tables, chosen.steps, chosen.fit, lambda share: None)
    search = MixSearch(network, tables, [question.choosing])
    mix = search.best(lambda share: None)
    if question.fit_until > question.choose_from:  # as a shop does: everything is fitted again for the same steps
        whole = question.log.before(question.fit_until)
        tables = build_tables(whole, question.products, question.fit_until)
        network = fit(whole, tables, chosen.steps, chosen.fit, lambda share: None)
    score = mix.score_of(network, tables)
    with TemporaryDirectory() as name:
        vocabulary = Vocabulary([str(k) for k in range(1, question.products + 1)])
        write_artifact(Path(name), network, score, tables, vocabulary, settings)
        check_parity(Path(name), _some(question.asked.asked.histories), lambda share: None)
    cost = {"wall_seconds": round(perf_counter() - began, 1), "cpu_seconds": round(process_time() - cpu, 1)}

    def ours(asked: HeldOut) -> np.ndarray:
        return score.score(encode(network, asked.histories, tables.trained_kinds), asked.histories)

    return lists_of(question.asked, ours), cost | {
        "steps": chosen.steps,
        "mix": vars(mix.weights) | {"power": mix.power, "recent": mix.recent},
    }


def baselines(question: Question) -> dict[str, Method]:
    """What must be beaten, counted on everything that the recommender was fitted on."""
    log, n = question.log.before(question.fit_until), question.products
    tables = build_tables(log, n, question.fit_until)
    neighbours, faded = item_neighbours(log, n), tifu_vectors(log, n)
    found: dict[str, Method] = {
        "popularity": lambda asked: popularity(tables.popularity, asked),
        "item_neighbours": lambda asked: neighbour_scores(neighbours, asked),
        "next_item_table": _table(question, tables),
    }
    if question.asked.name != "leave-one-out":  # without times nothing is recent
        found["recent_popularity"] = lambda asked: popularity(tables.recent, asked)
    if not question.asked.takes_met_out:
        found["own_frequency"] = lambda asked: bought_before(tables.recent, asked)
        found["tifu_knn"] = lambda asked: tifu_scores(faded, asked.shopper)
    return found


def _table(question: Question, tables: Tables) -> Method:
    """The next-item table alone, with the power that does best on the choosing shoppers."""
    columns = Columns(question.products + 1, None)

    def scores(power: float) -> Method:
        return lambda asked: next_item_strength(tables.next_item[power], asked.histories, columns)

    value = {power: float(np.mean(single(question.choosing, scores(power)))) for power in tables.next_item}
    return scores(max(value, key=value.__getitem__))


def lists_of(protocol: Protocol, method: Method) -> list[list[int]]:
    """The first 20 of each shopper's list."""
    return [
        ranked
        for block in protocol.blocks()
        for ranked in block.lists(np.array(method(block.asked), np.float32), LIST_LENGTH)
    ]


def single(protocol: Protocol, method: Method) -> list[float]:
    """NDCG@10 of each shopper."""
    return ndcg_of(lists_of(protocol, method), protocol)


def ndcg_of(lists: list[list[int]], protocol: Protocol) -> list[float]:
    """NDCG@10 of each shopper's list."""
    return [ndcg(r, set(t.tolist()), 10) for r, t in zip(lists, protocol.asked.targets, strict=True)]


def _some(histories: list[History]) -> list[History]:
    return [histories[k] for k in np.linspace(0, len(histories) - 1, min(20, len(histories))).astype(int)]


def bootstrap(values: np.ndarray, draws: int = 2_000) -> list[float]:
    """The middle 95 % of the mean over redrawn shoppers."""
    rng = np.random.default_rng(0)
    means = [values[rng.integers(0, len(values), len(values))].mean() for _ in range(draws)]
    return [round(float(bound), 5) for bound in np.percentile(means, [2.5, 97.5])]


def report(question: Question, seeds: list[list[list[int]]], other: dict[str, list[list[int]]]) -> dict:
    """All metrics of all seeds and baselines."""
    protocol, n = question.asked, question.products
    targets = [set(t.tolist()) for t in protocol.asked.targets]
    ours = [averages(lists, targets, n) for lists in seeds]
    per_shopper = {name: np.mean([_each(lists, targets, n, name) for lists in seeds], axis=0) for name in ours[0]}
    found: dict = {
        name: {
            "mean": round(float(np.mean([m[name] for m in ours])), 5),
            "std": round(float(np.std([m[name] for m in ours])), 5),
            **({"ci": bootstrap(per_shopper[name])} if not name.startswith("coverage") else {}),
        }
        for name in ours[0]
    }
    table = {name: {k: round(v, 5) for k, v in averages(lists, targets, n).items()} for name, lists in other.items()}
    best = max(table, key=lambda name: table[name]["ndcg@10"])
    gain = paired_bootstrap(per_shopper["ndcg@10"].tolist(), ndcg_of(other[best], protocol))
    return found | {
        "baselines": table,
        "paired_gain": {
            "over": best,
            "mean": round(gain.mean, 5),
            "ci": [round(gain.low, 5), round(gain.high, 5)],
            "relative": round(gain.mean / table[best]["ndcg@10"], 4),
        },
        "shoppers": len(targets),
    }


def _each(lists: list[list[int]], targets: list[set[int]], n: int, name: str) -> np.ndarray:
    return np.array([averages([r], [t], n)[name] for r, t in zip(lists, targets, strict=True)])


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, metavar="FILE")
    parser.add_argument("--protocol", choices=PROTOCOLS, required=True)
    parser.add_argument("--split", metavar="DATE", help="of time and next-order, as 2010-11-01")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--judged", type=int, default=2_000, help="shoppers who choose the weights of the mix")
    parser.add_argument("--steps", type=int, help="of the fit, if not as many as a training takes")
    parser.add_argument("--json", type=Path, metavar="OUT")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    began, cpu = perf_counter(), process_time()
    question = ask(options.data, options.protocol, options.split, options.judged)
    reading = {"wall_seconds": perf_counter() - began, "cpu_seconds": process_time() - cpu}
    measured = [measure_seed(question, seed, options) for seed in range(options.seeds)]
    cost = measured[0][1]
    cost |= {name: round(cost[name] + seconds, 1) for name, seconds in reading.items()}
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    other = {name: lists_of(question.asked, method) for name, method in baselines(question).items()}
    found = report(question, [lists for lists, _ in measured], other) | cost | {"peak_rss_mb": round(rss)}
    found |= {"data": Path(options.data).name, "protocol": options.protocol, "seeds": options.seeds}
    text = json.dumps(found, indent=1)
    print(text)
    if options.json:
        options.json.write_text(text)


if __name__ == "__main__":
    main()
