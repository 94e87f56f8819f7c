"""Are reasons the same when the recommender is trained again, and does it know shorter histories?

`python -m benchmarks.seeds --data FILE --seeds 3 --json OUT` fits one recommender for each seed, and one more, with the
first seed, that never leaves out an event in training.

- jaccard: of products that the lists of two seeds both show with a "because", how alike the named sets are: |A and B| /
  |A or B|, the mean over pairs of seeds. same_list: the share of the first 10 that two seeds have in common, beside it.
- nll: the mean of -log p of the product that came next (softmax of f over the catalog) from the whole history, and from
  the history without one product by chance, for both kinds of training.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.claims import printed_claims
from benchmarks.explainers import history_fits
from benchmarks.explanations import LIMIT, MOST_UNITS
from benchmarks.public_shops import Fitted, PublicShop, fit_recommender, read_shop
from recommendations.ml.lists_without import ListsWithout
from recommendations.ml.sequences import History
from recommendations.ml.training.reference import use_one_thread
from recommendations.ml.training.settings import TrainingSettings

BLOCK = 128
# item -> the units its "because" names
Named = dict[int, frozenset[int]]


def named(fitted: Fitted, history: History) -> Named:
    """Of each shown product what is named, nothing where there is no cause."""
    lists = ListsWithout(fitted.scorer, history, fitted.popularity, LIMIT)
    claims = printed_claims(lists)
    return {item: frozenset(claim.anchors if claim else ()) for item, claim in zip(lists.shown, claims, strict=True)}


def agreement(first: Sequence[Named], second: Sequence[Named]) -> dict[str, float]:
    """How alike two recommenders' lists and reasons are, over the same shoppers."""
    both = [(one[item], two[item]) for one, two in zip(first, second, strict=True) for item in one.keys() & two.keys()]
    alike = [len(a & b) / len(a | b) for a, b in both if a and b]
    shared = [len(one.keys() & two.keys()) / LIMIT for one, two in zip(first, second, strict=True)]
    return {"jaccard": float(np.mean(alike)), "same_list": float(np.mean(shared))}


def nll(
    fitted: Fitted, histories: Sequence[History], targets: Sequence[int], met: Sequence[History] | None = None
) -> float:
    """The mean of -log p of what came next among what was not `met`: in these histories, if it is not told apart."""
    found = []
    for start in range(0, len(histories), BLOCK):
        part = slice(start, start + BLOCK)
        scores = fitted.scorer.scores(histories[part]).astype(np.float64)
        for row, known, target in zip(scores, (met or histories)[part], targets[part], strict=True):
            row[known.items] = -np.inf
            found.append(np.log(np.exp(row - row.max()).sum()) + row.max() - row[target])
    return float(np.mean(found))


def shortened(histories: Sequence[History], rng: np.random.Generator) -> list[History]:
    """Each without one of its products."""
    return [history.without(int(rng.choice(history.units()))) for history in histories]


def measure(shop: PublicShop, options: argparse.Namespace) -> dict:
    """All figures."""
    rng, held = np.random.default_rng(0), shop.held_out()
    rows = [row for row, history in enumerate(held.histories) if history_fits(history, MOST_UNITS)]
    rows = [row for row in rng.permutation(rows) if len(held.histories[row].units()) > 1][: options.shoppers]
    histories = [held.histories[row] for row in rows]
    targets = [int(held.targets[row][0]) for row in rows]
    shorter = shortened(histories, rng)

    def losses(fitted: Fitted) -> dict[str, float]:
        return {"whole": nll(fitted, histories, targets), "without_one": nll(fitted, shorter, targets, met=histories)}

    reasons, likelihoods = [], {}
    for seed in range(options.seeds):
        with TemporaryDirectory() as name:
            settings = replace(TrainingSettings(), seed=seed, steps=options.steps)
            fitted = fit_recommender(shop, Path(name), settings)
            reasons.append([named(fitted, history) for history in histories])
            if seed == 0:
                likelihoods["trained_with_deletion"] = losses(fitted)
    with TemporaryDirectory() as name:
        settings = replace(TrainingSettings(), steps=options.steps)
        likelihoods["trained_without"] = losses(fit_recommender(shop, Path(name), settings, deletion=0.0))
    pairs = [agreement(one, two) for one, two in combinations(reasons, 2)]
    means = {figure: float(np.mean([pair[figure] for pair in pairs])) for figure in ("jaccard", "same_list") if pairs}
    return {**means, "pairs": pairs, "nll": likelihoods, "shoppers": len(rows)}


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, metavar="FILE")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--shoppers", type=int, default=500)
    parser.add_argument("--steps", type=int, help="of the fit, if not as many as a training takes")
    parser.add_argument("--json", type=Path, metavar="OUT")
    options = parser.parse_args(arguments)
    use_one_thread()
    text = json.dumps(measure(read_shop(options.data), options) | {"data": options.data.name}, indent=1)
    print(text)
    if options.json:
        options.json.write_text(text)


if __name__ == "__main__":
    main()
