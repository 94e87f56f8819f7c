"""What a shop's lists are worth while its data grows: popular products, what can be counted, what was learned.

`python -m benchmarks.new_shop --data FILE --items FILE --seeds 3 --json OUT`; --data is Amazon's Beauty.txt.gz (or any
file of its form), --items its Beauty_items.tsv.gz. For each seed so many shoppers are known, drawn from a shuffled
order, with all but their last product; the catalog is all there from the first day. 3,000 shoppers whom no recommender
knows are asked for their last product: all products are ranked, what they met is out.

- popularity: events of each product.
- counted: what is served while too little is known to learn from, recommendations/ml/training/counted.py.
- learned: what a training publishes: the known shoppers' last known product chooses the mix, then all is fitted again;
  none where fewer than 50 could choose and judge. Products that nobody met have no words in it: a training reads none.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.data_files import LAST, LAST_BUT_ONE
from benchmarks.public_shops import PublicShop, index_before, read_shop, read_texts
from recommendations.ml.baselines import count_items
from recommendations.ml.interactions import InteractionLog
from recommendations.ml.metrics import ndcg, rank_pessimistic
from recommendations.ml.scorer import Scorer
from recommendations.ml.sequences import History
from recommendations.ml.splitting import HeldOut, NotEnoughData, hold_out
from recommendations.ml.text import build_index
from recommendations.ml.training.counted import write_counted
from recommendations.ml.training.fit import fit
from recommendations.ml.training.judge import encode, protocols
from recommendations.ml.training.mixing import MixSearch
from recommendations.ml.training.network import Network
from recommendations.ml.training.reference import use_one_thread
from recommendations.ml.training.settings import TrainingSettings, plan
from recommendations.ml.training.tables import Tables, build_tables

SHOPPERS = (0, 100, 300, 1_000, 3_000, 10_000)
ASKED, BLOCK = 3_000, 128

Scores = Callable[[Sequence[History]], np.ndarray]


def ndcg_of(asked: HeldOut, scores: Scores) -> float:
    """NDCG@10 over the asked shoppers, what they met taken out."""
    gains = []
    for start in range(0, len(asked), BLOCK):
        block = asked.take(range(start, min(start + BLOCK, len(asked))))
        found = np.array(scores(block.histories))
        for row, met, targets in zip(found, block.met, block.targets, strict=True):
            row[0], row[met] = -np.inf, -np.inf
            gains.append(ndcg(rank_pessimistic(row, targets, 10).tolist(), set(targets.tolist()), 10))
    return float(np.mean(gains))


def of_shoppers(shop: PublicShop, known: np.ndarray) -> PublicShop:
    """The shop before anybody else came."""
    kept, log = np.isin(shop.log.shopper, known), shop.log
    return replace(shop, log=InteractionLog(log.shopper[kept], log.item[kept], log.kind[kept], log.time[kept]))


def measure_shop(shop: PublicShop, texts: Sequence[str], asked: HeldOut, settings: TrainingSettings) -> dict:
    """NDCG@10 of each stage that the shop's data allows."""
    past = shop.log.before(LAST)
    events = count_items(past, len(shop.vocabulary))
    found = {"popularity": ndcg_of(asked, lambda histories: np.tile(events.astype(float), (len(histories), 1)))}
    with TemporaryDirectory() as name:
        write_counted(past, shop.vocabulary, build_index(texts, events), Path(name), settings)
        found["counted"] = ndcg_of(asked, Scorer.open(name).scores)
    try:
        return found | {"learned": ndcg_of(asked, learned(shop, texts, settings))}
    except NotEnoughData:
        return found


def learned(shop: PublicShop, texts: Sequence[str], settings: TrainingSettings) -> Scores:
    """The scores of what a training publishes; NotEnoughData when too few could judge it."""
    n, known = len(shop.vocabulary), shop.log.before(LAST)
    asked, _ = protocols(
        hold_out(known, LAST_BUT_ONE, settings.shoppers_judged, settings.seed), settings.shoppers_needed
    )
    past = shop.log.before(LAST_BUT_ONE)
    chosen = plan(len(past), past.products_met(), settings)

    def fitted(log: InteractionLog, now: int) -> tuple[Network, Tables]:
        tables = build_tables(log, n, now, index_before(texts, shop.log, now))
        return fit(log, tables, chosen.steps, chosen.fit, lambda share: None), tables

    mix = MixSearch(*fitted(past, LAST_BUT_ONE), [one.halves()[0] for one in asked]).best(lambda share: None)
    network, tables = fitted(known, LAST)
    score = mix.score_of(network, tables)
    return lambda histories: score.score(encode(network, histories, tables.trained_kinds), histories)


def measure(data: Path, items: Path, shoppers: Sequence[int], seeds: int, steps: int | None = None) -> dict:
    """shoppers -> stage -> mean and standard deviation over seeds."""
    shop = read_shop(data)
    texts = read_texts(items, shop.vocabulary.product_ids)
    everybody = hold_out(shop.log, LAST).new_only()
    runs: dict[int, list[dict[str, float]]] = {count: [] for count in shoppers}
    for seed in range(seeds):
        order = np.random.default_rng(seed).permutation(np.unique(shop.log.shopper))
        asked = everybody.take(np.flatnonzero(np.isin(everybody.shopper, order[:ASKED])).tolist())
        for count in shoppers:
            known, settings = order[ASKED : ASKED + count], replace(TrainingSettings(), seed=seed, steps=steps)
            runs[count].append(measure_shop(of_shoppers(shop, known), texts, asked, settings))
    return {str(count): _spread(found) for count, found in runs.items()}


def _spread(runs: Sequence[dict[str, float]]) -> dict[str, dict[str, float]]:
    values = {stage: [run[stage] for run in runs if stage in run] for stage in runs[0]}
    return {stage: {"mean": float(np.mean(of_it)), "std": float(np.std(of_it))} for stage, of_it in values.items()}


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, metavar="FILE")
    parser.add_argument("--items", type=Path, required=True, metavar="FILE")
    parser.add_argument("--shoppers", type=int, nargs="+", default=SHOPPERS, help="how many are known")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, help="of the fit, if not as many as a training takes")
    parser.add_argument("--json", type=Path, metavar="OUT")
    options = parser.parse_args(arguments)
    use_one_thread()
    text = json.dumps(measure(options.data, options.items, options.shoppers, options.seeds, options.steps), indent=1)
    print(text)
    if options.json:
        options.json.write_text(text)


if __name__ == "__main__":
    main()
