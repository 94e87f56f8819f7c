"""Does a decoder over the encoder pay? A candidate's attributes attend over the encoded history, re-ranking the mix.

`python -m benchmarks.decoder --data FILE [--items FILE] --protocol leave-one-out|time|next-order [--split DATE]
--seeds 3 --json OUT`; files and protocols: benchmarks/protocols.py. Attributes: brand and category path of --items,
words and price of Online Retail II, or Tools' category. The encoder is fitted as a training fits what it judges, and
stays as it is. One half of the choosing shoppers fits the decoder (and, at most --judged of them, chooses the mix), the
other half chooses how much the decoder may say, nothing among it. Both lists are of one encoder.

- mix, decoder, matches: NDCG@10 and HR@10 as asked at the end, mean and standard deviation over seeds. matches is what
  counting does in the decoder's place (benchmarks/attribute_matches.py).
- gain: over the mix, shopper by shopper, with the middle 95 % of a bootstrap over shoppers.
- weights, choosing: for each seed what was chosen, and how much NDCG@10 that gained on those who chose it.
- in_pool: the share of shoppers with a right product among the best 200, beyond which nothing is re-ranked.
- fitted_on: with one among those who fit, whom alone a fit learns from.
- cpu_seconds: of the first seed: the encoder's fit, the choice of the mix, the pools, the decoder's fit, the matches'.
- milliseconds_a_list: the median of encoding one history at every token and re-ranking its 200 candidates, in torch.
"""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
import torch

from benchmarks.attribute_matches import fit_matches
from benchmarks.attributes import Attributes, read_attributes
from benchmarks.protocols import PROTOCOLS, Question, ask
from benchmarks.quality_baselines import ndcg_of
from benchmarks.quality_figures import spread
from benchmarks.reranking import Pools, Reranker, best_weight, fit_reranker, pools_of
from benchmarks.telling import tell
from recommendations.ml.fidelity import paired_bootstrap
from recommendations.ml.metrics import hr
from recommendations.ml.splitting import HeldOut
from recommendations.ml.training.fit import fit
from recommendations.ml.training.judge import Protocol, encode
from recommendations.ml.training.mixing import Mix, MixSearch
from recommendations.ml.training.network import Network
from recommendations.ml.training.settings import TrainingSettings, plan
from recommendations.ml.training.tables import Tables, build_tables

TIMED = 200  # lists


@dataclass
class Costs:
    """CPU seconds of each stage."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def of(self, stage: str) -> Iterator[None]:
        began = process_time()
        yield
        self.seconds[stage] = round(process_time() - began, 1)


@dataclass(frozen=True, eq=False)
class Ranker:
    """What is re-ranked: a mix over an encoder."""

    network: Network
    mix: Mix
    tables: Tables

    def pools(self, protocol: Protocol) -> Pools:
        """The best of the protocol's shoppers."""
        score, kinds = self.mix.score_of(self.network, self.tables), self.tables.trained_kinds

        def scores(asked: HeldOut) -> np.ndarray:
            return score.score(encode(self.network, asked.histories, kinds), asked.histories)

        return pools_of(protocol, scores)

    def counted(self, question: Question) -> "Ranker":
        """The same with what is counted, not learned, counted up to what is asked."""
        past = question.log.before(question.fit_until)
        return replace(self, tables=build_tables(past, question.products, question.fit_until))


@dataclass(frozen=True, eq=False)
class Measured:
    """One seed: method -> metric -> (S), and the rest."""

    metrics: dict[str, dict[str, np.ndarray]]
    told: dict


def measure_seed(question: Question, attributes: Attributes, seed: int, options: argparse.Namespace) -> Measured:
    """Fit the encoder, the mix and what re-ranks it, and ask them."""
    costs, halves = Costs(), question.choosing.halves()
    settings = replace(TrainingSettings(), seed=seed, steps=options.steps)
    ranker = _fit(question, _some(halves[0], options.judged), settings, costs)
    with costs.of("pools"):
        fitting, choosing = (ranker.pools(half) for half in halves)
    with costs.of("decoder"):
        decoder = fit_reranker(attributes, ranker.network, ranker.tables.trained_kinds, fitting, seed)
    with costs.of("matches"):
        matches = fit_matches(attributes, fitting)
    # The encoder is not fitted again up to the question, as a shop would: the decoder reads this one's hidden states.
    asked = ranker.counted(question).pools(question.asked)
    found, told = {"mix": metrics(asked.lists(), question.asked)}, {}
    for name, reranker in {"decoder": decoder, "matches": matches}.items():
        weight, tried = best_weight(choosing, reranker.added(choosing))
        found[name] = metrics(asked.lists(weight * reranker.added(asked)), question.asked)
        told[name] = {"weight": weight, "choosing": round(tried[weight] / tried[0.0] - 1, 4)}
    told |= {"cpu_seconds": costs.seconds, "milliseconds_a_list": milliseconds(decoder, asked)}
    told |= {"in_pool": share_answered(asked), "fitted_on": int(fitting.right.any(axis=1).sum())}
    return Measured(found, told)


def _fit(question: Question, choosing: Protocol, settings: TrainingSettings, costs: Costs) -> Ranker:
    past = question.log.before(question.choose_from)
    tables = build_tables(past, question.products, question.choose_from)
    chosen = plan(len(past), past.products_met(), settings)
    with costs.of("encoder"):
        network = fit(past, tables, chosen.steps, chosen.fit, lambda share: None)
    with costs.of("mix"):
        return Ranker(network, MixSearch(network, tables, [choosing]).best(lambda share: None), tables)


def _some(protocol: Protocol, count: int) -> Protocol:
    total = len(protocol.asked)
    rows = np.sort(np.random.default_rng(0).choice(total, min(count, total), replace=False))
    return protocol.take(rows.tolist())


def share_answered(pools: Pools) -> float:
    """The share of shoppers with a right product in their pool."""
    return round(float(pools.right.any(axis=1).mean()), 4)


def metrics(lists: list[list[int]], protocol: Protocol) -> dict[str, np.ndarray]:
    """Metric -> (S)."""
    targets = [set(found.tolist()) for found in protocol.asked.targets]
    hits = [hr(listed, right, 10) for listed, right in zip(lists, targets, strict=True)]
    return {"ndcg@10": np.array(ndcg_of(lists, protocol)), "hr@10": np.array(hits)}


def milliseconds(reranker: Reranker, pools: Pools) -> float:
    """The median over some shoppers, one at a time."""
    took = []
    for row in range(min(TIMED, len(pools.items))):
        began = perf_counter()
        reranker.say(pools.asked.histories[row : row + 1], pools.items[row : row + 1])
        took.append(1000 * (perf_counter() - began))
    return round(float(np.median(took)), 2)


def figures(seeds: list[Measured]) -> dict:
    """Means and deviations over seeds, and the paired gains."""
    found: dict = {"gain": {}, "weights": {}, "choosing": {}}
    for name, of_metric in seeds[0].metrics.items():
        found[name] = {metric: spread([seed.metrics[name][metric].mean() for seed in seeds]) for metric in of_metric}
        if name == "mix":
            continue
        found["gain"][name] = {metric: _gain(seeds, name, metric) for metric in of_metric}
        found["weights"][name] = [seed.told[name]["weight"] for seed in seeds]
        found["choosing"][name] = [seed.told[name]["choosing"] for seed in seeds]
    same = ("in_pool", "fitted_on", "cpu_seconds", "milliseconds_a_list")
    return found | {name: seeds[0].told[name] for name in same} | {"shoppers": len(seeds[0].metrics["mix"]["hr@10"])}


def _gain(seeds: list[Measured], name: str, metric: str) -> dict:
    first, second = (
        np.mean([seed.metrics[method][metric] for seed in seeds], axis=0).tolist() for method in (name, "mix")
    )
    gain, before = paired_bootstrap(first, second), float(np.mean(second))
    return {
        "mean": round(gain.mean, 5),
        "ci": [round(gain.low, 5), round(gain.high, 5)],
        "relative": round(gain.mean / before, 4) if before else None,
    }


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, metavar="FILE")
    parser.add_argument("--items", metavar="FILE", help="the products' brands and categories")
    parser.add_argument("--protocol", choices=PROTOCOLS, required=True)
    parser.add_argument("--split", metavar="DATE", help="of time and next-order, as 2010-11-01")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--judged", type=int, default=2_000, help="shoppers who choose the weights of the mix")
    parser.add_argument("--steps", type=int, help="of the encoder's fit, if not as many as a training takes")
    parser.add_argument("--json", type=Path, metavar="OUT")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    question = ask(options.data, options.protocol, options.split)
    attributes = read_attributes(options.data, question.data, options.items, question.choose_from)
    found = figures([measure_seed(question, attributes, seed, options) for seed in range(options.seeds)])
    found |= {"data": Path(options.data).name, "protocol": options.protocol, "seeds": options.seeds}
    tell(found, options.json)


if __name__ == "__main__":
    main()
