"""How good the lists are, on public data, beside what any recommender must beat.

`python -m benchmarks.quality --data FILE --protocol leave-one-out|time|next-order --split DATE --seeds 3 --json OUT`;
files: benchmarks/data_files.py, protocols: benchmarks/protocols.py. The weights of the mix are chosen on earlier
shoppers, the full catalog is ranked, and ties count against whoever ties. With --items the score may count how alike
products are by the words of their brand and categories.

- each metric, at 5, 10 and 20: mean and standard deviation over seeds, and the middle 95 % of a bootstrap over shoppers
  ("ci"). novelty in bits, gini 0 = all products alike; miscalibration (of categories, Steck 2018, 0 = the shares of the
  shopper's past) where categories are known: from --items, and in Tools. Formulas: recommendations/ml/metrics.py,
  exposure.py, segments.py.
- paired_gain: NDCG@10 of each shopper over the best baseline's; ahead only when the interval is above 0.
- segments: shoppers cold and warm, right products new, tail and head; every method in each.
- score_histogram: of the small model's probabilities, for right products and for others by chance, never met.
- --folds K, a rolling origin: the same question put K times, each time one span (from the split to the end; with
  leave-one-out: one product of each shopper) earlier, with fits of its own. The figures at the top are the newest
  fold's; "folds" tells each, "over_folds" their mean and standard deviation.
- left_out: rows of the file that are not read, by cause; shoppers who are not asked, since what they met is taken out
  of the lists and the right product is among it.
- cpu_seconds, wall_seconds: from the file to the artifact, of one seed, without this evaluation; peak_rss_mb: with it.
"""

import argparse
import resource
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from benchmarks.protocols import PROTOCOLS, Question, ask
from benchmarks.public_shops import index_before, read_categories, read_texts
from benchmarks.quality_baselines import baselines, lists_of
from benchmarks.quality_figures import Judge, figures, over_folds
from benchmarks.small_model import draw_histogram
from benchmarks.telling import tell
from recommendations.ml.sequences import History
from recommendations.ml.splitting import HeldOut
from recommendations.ml.training.export import write_artifact
from recommendations.ml.training.fit import fit
from recommendations.ml.training.judge import encode
from recommendations.ml.training.mixing import MixSearch
from recommendations.ml.training.parity import check_parity
from recommendations.ml.training.settings import TrainingSettings, plan
from recommendations.ml.training.tables import Tables, build_tables
from recommendations.ml.vocabulary import Vocabulary


def measure_seed(question: Question, seed: int, options: argparse.Namespace) -> tuple[list[list[int]], dict]:
    """Fit as a training fits; returns the list of each asked shopper and what it cost."""
    began, cpu = perf_counter(), process_time()
    settings = replace(TrainingSettings(), seed=seed, steps=options.steps)
    past = question.log.before(question.choose_from)
    texts = read_texts(options.items, question.data.names) if options.items else [""] * question.products

    def tables_before(time: int) -> Tables:
        index = index_before(texts, question.log, time)
        return build_tables(question.log.before(time), question.products, time, index)

    tables = tables_before(question.choose_from)
    chosen = plan(len(past), past.products_met(), settings)
    network = fit(past, tables, chosen.steps, chosen.fit, lambda share: None)
    search = MixSearch(network, tables, [question.choosing])
    mix = search.best(lambda share: None)
    if question.fit_until > question.choose_from:  # as a shop does: everything is fitted again for the same steps
        whole = question.log.before(question.fit_until)
        tables = tables_before(question.fit_until)
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


def _some(histories: list[History]) -> list[History]:
    return [histories[k] for k in np.linspace(0, len(histories) - 1, min(20, len(histories))).astype(int)]


def measure(question: Question, options: argparse.Namespace) -> dict:
    """Figures and costs of one question."""
    measured = [measure_seed(question, seed, options) for seed in range(options.seeds)]
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    others = baselines(question)
    other = {name: lists_of(question.asked, method) for name, method in others.methods.items()}
    judge = Judge(question, read_categories(question.data, options.items))
    found = figures(judge, [lists for lists, _ in measured], other)
    return (
        found
        | measured[0][1]
        | {
            "left_out": {
                "rows": question.data.left_out,
                "shoppers": {"had met the right product": question.left_out},
            },
            "peak_rss_mb": round(rss),
            "score_histogram": others.small_model.histogram(question.asked.asked),
        }
    )


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text}: expected a number above 0")
    return int(text)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, metavar="FILE")
    parser.add_argument("--items", metavar="FILE", help="the products' brands and categories")
    parser.add_argument("--protocol", choices=PROTOCOLS, required=True)
    parser.add_argument("--split", metavar="DATE", help="of time and next-order, as 2010-11-01")
    parser.add_argument("--seeds", type=_count, default=3)
    parser.add_argument("--folds", type=_count, default=1, help="how many origins, each a span earlier")
    parser.add_argument("--judged", type=_count, default=6_000, help="shoppers who choose the weights of the mix")
    parser.add_argument("--steps", type=_count, help="of the fit, if not as many as a training takes")
    parser.add_argument("--json", type=Path, metavar="OUT")
    parser.add_argument("--histogram", type=Path, metavar="SVG", help="draw the small model's score histogram")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    threadpool_limits(1)  # numpy's and scipy's own threads
    folds = []
    for back in reversed(range(options.folds)):  # the earliest first: for it there may be too little past
        began, cpu = perf_counter(), process_time()
        question = ask(options.data, options.protocol, options.split, options.judged, back)
        reading = {"wall_seconds": perf_counter() - began, "cpu_seconds": process_time() - cpu}
        fold = measure(question, options)
        folds.insert(0, fold | {name: round(fold[name] + seconds, 1) for name, seconds in reading.items()})
    found = over_folds(folds) if options.folds > 1 else folds[0]
    found |= {"data": Path(options.data).name, "protocol": options.protocol, "seeds": options.seeds}
    if options.histogram:
        draw_histogram(found["score_histogram"], options.histogram)
    tell(found, options.json)


if __name__ == "__main__":
    main()
