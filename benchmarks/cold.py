"""Products that no training has seen: are they found, and what does that cost the others?

`python -m benchmarks.cold --data FILE --items FILE --seeds 3 --json OUT`; --data is Amazon's Beauty.txt.gz (or any file
of its form), --items its Beauty_items.tsv.gz. For each seed 5 % of the products are withheld from training with all
their events, and served as newcomers by their brand and categories. All products are ranked, the history is out.

- cold: HR@20 and NDCG@10 of shoppers whose last product is one of the withheld, with newcomers and without.
- warm: of 4,000 of the others, with newcomers among the products and without.
- curve: both HR@20 by what is added to a newcomer's bias, for the last product but one: on other withheld
  products (seed 100). How the constant in recommendations/ml/newcomers.py came about: docs/decisions/0008.
"""

import argparse
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.data_files import LAST
from benchmarks.public_shops import PublicShop, fit_recommender, read_shop, read_texts
from recommendations.ml import newcomers
from recommendations.ml.interactions import InteractionLog
from recommendations.ml.metrics import ndcg, rank_pessimistic
from recommendations.ml.scorer import Scorer
from recommendations.ml.sequences import History
from recommendations.ml.splitting import HeldOut, hold_out
from recommendations.ml.text import build_index
from recommendations.ml.training.reference import use_one_thread
from recommendations.ml.training.settings import TrainingSettings
from recommendations.ml.vocabulary import Vocabulary

WITHHELD = 0.05
CHOOSING_SEED = 100
CURVE = (-1.0, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0)
BLOCK = 128
WARM = 4_000


@dataclass(frozen=True, eq=False)
class Withheld:
    """A shop in which the withheld products come last, and one that has never heard of them."""

    shop: PublicShop
    known: PublicShop
    texts: tuple[str, ...]  # of the known products, then of the withheld


def withhold(shop: PublicShop, texts: Sequence[str], seed: int) -> Withheld:
    """Number a random 5 % of the products last, and take their events out of what is trained on."""
    n = len(shop.vocabulary)
    order = np.random.default_rng(seed).permutation(n) + 1
    number = np.zeros(n + 1, np.int64)
    number[order] = np.arange(1, n + 1)
    log, kept = shop.log, n - round(WITHHELD * n)
    item = number[log.item]
    renumbered = InteractionLog.from_rows(log.shopper, item, log.kind, log.time)
    warm = item <= kept
    known = InteractionLog.from_rows(log.shopper[warm], item[warm], log.kind[warm], log.time[warm])
    names = [str(k) for k in order.tolist()]
    return Withheld(
        replace(shop, log=renumbered, vocabulary=Vocabulary(names)),
        replace(shop, log=known, vocabulary=Vocabulary(names[:kept])),
        tuple(texts[k - 1] for k in order.tolist()),
    )


class Cold:
    """One fitted recommender of the known products, and its newcomers."""

    def __init__(self, withheld: Withheld, directory: Path, settings: TrainingSettings) -> None:
        self.withheld = withheld
        self.kept = len(withheld.known.vocabulary)
        texts = withheld.texts[: self.kept]
        fitted = fit_recommender(withheld.known, directory, settings, texts=texts)
        self.scorer: Scorer = fitted.scorer
        index = build_index(texts, fitted.popularity)
        words = dict(zip(withheld.shop.vocabulary.product_ids, withheld.texts, strict=True))
        new = {key: words[key] for key in withheld.shop.vocabulary.product_ids[self.kept :]}
        self.newcomers = newcomers.newcomers_of(index, fitted.popularity, new)

    def asked(self, held_out: HeldOut) -> dict[str, HeldOut]:
        """Shoppers whose next product is a withheld one, and some of the others."""
        is_cold = np.array([int(target[0]) > self.kept for target in held_out.targets])
        warm = np.random.default_rng(0).permutation(np.flatnonzero(~is_cold))[:WARM]
        return {"cold": held_out.take(np.flatnonzero(is_cold).tolist()), "warm": held_out.take(warm.tolist())}

    def measured(self, asked: HeldOut, bias: float | None) -> dict[str, float]:
        """How well the next products of some shoppers are found; without newcomers where there is no bias."""
        scorer = self.scorer if bias is None else self._scorer(bias)
        number = np.concatenate(([0], scorer.vocabulary.numbers(self.withheld.shop.vocabulary.product_ids)))
        return scored(scorer, asked.histories, number[[int(target[0]) for target in asked.targets]], number)

    def _scorer(self, bias: float) -> Scorer:
        scorer = self.scorer.with_newcomers(self.newcomers)
        scorer.score.bias[self.kept + 1 :] += bias - newcomers.BIAS
        return scorer


def scored(scorer: Scorer, histories: Sequence[History], targets: np.ndarray, number: np.ndarray) -> dict[str, float]:
    """HR@20 and NDCG@10; `number` (n+1) tells each item's number in the scorer, 0 for those it does not know."""
    hits, gains = [], []
    for start in range(0, len(histories), BLOCK):
        block = histories[start : start + BLOCK]
        read = [History.of(number[history.items], history.kinds) for history in block]
        rows = [row for row, history in enumerate(read) if len(history)]
        scores = np.full((len(block), len(scorer.score.bias)), -np.inf, np.float32)
        scores[rows] = scorer.scores([read[row] for row in rows])
        for row, history, target in zip(scores, read, targets[start : start + BLOCK].tolist(), strict=True):
            row[history.items] = -np.inf
            ranked = rank_pessimistic(row, np.array([target]), 20).tolist() if target else []
            hits.append(target in ranked)
            gains.append(ndcg(ranked, {target}, 10))
    return {"hr@20": float(np.mean(hits)), "ndcg@10": float(np.mean(gains)), "shoppers": len(hits)}


def measure(data: Path, items: Path, seeds: int, steps: int | None = None) -> dict:
    """Mean and standard deviation over seeds, and the curve by which the bias was chosen."""
    shop = read_shop(data)
    texts = read_texts(items, shop.vocabulary.product_ids)
    runs: dict[str, list[dict[str, float]]] = defaultdict(list)
    for seed in range(seeds):
        with TemporaryDirectory() as name:
            cold = Cold(withhold(shop, texts, seed), Path(name), replace(TrainingSettings(), seed=seed, steps=steps))
            for kind, asked in cold.asked(hold_out(cold.withheld.shop.log, LAST)).items():
                runs[kind].append(cold.measured(asked, newcomers.BIAS))
                runs[f"{kind}_without_newcomers"].append(cold.measured(asked, None))
    with TemporaryDirectory() as name:
        cold = Cold(withhold(shop, texts, CHOOSING_SEED), Path(name), replace(TrainingSettings(), steps=steps))
        past = cold.withheld.shop.log.before(shop.explain_from)
        asked_of = cold.asked(hold_out(past, shop.choose_from))
        curve = {
            str(bias): {kind: cold.measured(asked, bias)["hr@20"] for kind, asked in asked_of.items()} for bias in CURVE
        }
    return {kind: _spread(found) for kind, found in runs.items()} | {"curve": curve, "bias": newcomers.BIAS}


def _spread(runs: Sequence[dict[str, float]]) -> dict[str, dict[str, float]]:
    return {
        metric: {"mean": float(np.mean(values)), "std": float(np.std(values))}
        for metric in ("hr@20", "ndcg@10", "shoppers")
        for values in [[run[metric] for run in runs]]
    }


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, metavar="FILE")
    parser.add_argument("--items", type=Path, required=True, metavar="FILE")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, help="of the fit, if not as many as a training takes")
    parser.add_argument("--json", type=Path, metavar="OUT")
    options = parser.parse_args(arguments)
    use_one_thread()
    text = json.dumps(measure(options.data, options.items, options.seeds, options.steps), indent=1)
    print(text)
    if options.json:
        options.json.write_text(text)


if __name__ == "__main__":
    main()
