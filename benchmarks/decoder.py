"""Does a decoder over the encoder pay? A candidate's attributes attend over the encoded history, re-ranking the mix.

`python -m benchmarks.decoder --data FILE [--items FILE] --protocol leave-one-out|time|next-order [--split DATE]
--seeds 3 --json OUT`; files and protocols: benchmarks/protocols.py. Attributes: brand and category path of --items,
words and price of Online Retail II, or Tools' category. The encoder is fitted as a training fits what it judges, and
stays as it is. One half of the choosing shoppers fits the decoder (and, at most --judged of them, chooses the mix), the
other half chooses how much the decoder may say, nothing among it. Both lists are of one encoder.

- mix, decoder: NDCG@10 and HR@10 as asked at the end, mean and standard deviation over seeds.
- gain: the decoder's over the mix's, shopper by shopper, with the middle 95 % of a bootstrap over shoppers.
- weights, choosing: what was chosen, and how much NDCG@10 that gained on those who chose it.
- in_pool: the share of shoppers with a right product among the best 200, beyond which nothing is re-ranked.
- cpu_seconds: of the first seed: the encoder's fit, the choice of the mix, the pools, and the decoder's fit.
- milliseconds_a_list: the median of encoding one history at every token and re-ranking its 200 candidates, in torch.
"""

import argparse
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
import torch

from benchmarks.attributes import Attributes, read_attributes
from benchmarks.protocols import PROTOCOLS, Question, ask
from benchmarks.quality_baselines import ndcg_of
from benchmarks.reranking import Pools, Reranker, best_weight, fit_reranker, pools_of
from recommendations.ml.fidelity import paired_bootstrap
from recommendations.ml.metrics import hr
from recommendations.ml.ranking import Score
from recommendations.ml.training.fit import fit
from recommendations.ml.training.judge import Method, Protocol, encode
from recommendations.ml.training.mixing import MixSearch
from recommendations.ml.training.network import Network
from recommendations.ml.training.settings import TrainingSettings, plan
from recommendations.ml.training.tables import build_tables

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
class Measured:
    """One seed: (S) a metric of each asked shopper, by the mix and with the decoder."""

    mix: dict[str, np.ndarray]
    decoder: dict[str, np.ndarray]
    told: dict  # the rest


def measure_seed(question: Question, attributes: Attributes, seed: int, options: argparse.Namespace) -> Measured:
    """Fit the encoder, the mix and the decoder, and ask both."""
    costs, settings = Costs(), replace(TrainingSettings(), seed=seed, steps=options.steps)
    past = question.log.before(question.choose_from)
    tables = build_tables(past, question.products, question.choose_from)
    kinds, chosen = tables.trained_kinds, plan(len(past), question.products, settings)
    fitting, choosing = question.choosing.halves()
    with costs.of("encoder"):
        network = fit(past, tables, chosen.steps, chosen.fit, lambda share: None)
    with costs.of("mix"):
        mix = MixSearch(network, tables, [_some(fitting, options.judged)]).best(lambda share: None)
    score = mix.score_of(network, tables)
    with costs.of("pools"):
        fitting, choosing = (pools_of(some, _method(network, score, kinds)) for some in (fitting, choosing))
    with costs.of("decoder"):
        reranker = fit_reranker(attributes, network, kinds, fitting, seed)
    weight, tried = best_weight(choosing, reranker.added(choosing))
    # What is counted is counted up to the question; what is learned can't be, since the decoder reads this encoder.
    counted = build_tables(question.log.before(question.fit_until), question.products, question.fit_until)
    asked = pools_of(question.asked, _method(network, mix.score_of(network, counted), kinds))
    told = {
        "weight": weight,
        "choosing": round(tried[weight] / tried[0.0] - 1, 4),
        "in_pool": round(float(asked.right.any(axis=1).mean()), 4),
        "fitted_on": int(fitting.right.any(axis=1).sum()),
        "steps": chosen.steps,
        "cpu_seconds": costs.seconds,
        "milliseconds_a_list": milliseconds(reranker, asked),
    }
    added = weight * reranker.added(asked)
    return Measured(metrics(asked.lists(), question.asked), metrics(asked.lists(added), question.asked), told)


def _method(network: Network, score: Score, trained_kinds: tuple[int, ...]) -> Method:
    return lambda asked: score.score(encode(network, asked.histories, trained_kinds), asked.histories)


def _some(protocol: Protocol, count: int) -> Protocol:
    total = len(protocol.asked)
    rows = np.sort(np.random.default_rng(0).choice(total, min(count, total), replace=False))
    return protocol.take(rows.tolist())


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
    found: dict = {}
    for name in ("mix", "decoder"):
        of_seeds = [getattr(seed, name) for seed in seeds]
        found[name] = {metric: _spread([one[metric].mean() for one in of_seeds]) for metric in of_seeds[0]}
    found["gain"] = {metric: _gain(seeds, metric) for metric in seeds[0].mix}
    told = [seed.told for seed in seeds]
    found |= {"weights": [one["weight"] for one in told], "choosing": [one["choosing"] for one in told]}
    same = ("in_pool", "fitted_on", "steps", "cpu_seconds", "milliseconds_a_list")
    return found | {name: told[0][name] for name in same} | {"shoppers": len(seeds[0].mix["ndcg@10"])}


def _gain(seeds: list[Measured], metric: str) -> dict:
    first, second = (
        np.mean([getattr(seed, name)[metric] for seed in seeds], axis=0).tolist() for name in ("decoder", "mix")
    )
    gain, before = paired_bootstrap(first, second), float(np.mean(second))
    return {
        "mean": round(gain.mean, 5),
        "ci": [round(gain.low, 5), round(gain.high, 5)],
        "relative": round(gain.mean / before, 4) if before else None,
    }


def _spread(values: list[float]) -> dict[str, float]:
    return {"mean": round(float(np.mean(values)), 5), "std": round(float(np.std(values)), 5)}


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
    attributes = read_attributes(options.data, options.items, question.products, question.choose_from)
    found = figures([measure_seed(question, attributes, seed, options) for seed in range(options.seeds)])
    found |= {"data": Path(options.data).name, "protocol": options.protocol, "seeds": options.seeds}
    text = json.dumps(found, indent=1)
    print(text)
    if options.json:
        options.json.write_text(text)


if __name__ == "__main__":
    main()
