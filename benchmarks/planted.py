"""Whether reasons name the causes planted in a shop (planted_shops.py).

`python -m benchmarks.planted --seeds 3 --json OUT` trains every shop through the real pipeline and prints what is
recovered. What the figures mean: docs/planted.md.
"""

import argparse
import json
from dataclasses import asdict, replace
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory

from benchmarks.planted_shops import PRODUCTS, SHOPS, planted_cases, planted_log
from benchmarks.recovered import Outcome, Recovery, outcome, summary
from recommendations.ml.scorer import Scorer
from recommendations.ml.training.pipeline import train
from recommendations.ml.training.settings import TrainingSettings
from recommendations.ml.vocabulary import Vocabulary

# Published whatever the baselines do, since what is measured is the reasons. The popularity shop is judged as any shop.
SETTINGS = TrainingSettings(width=32, dropout=0.1, rate=5e-3, shoppers_judged=800, standard_errors=-1_000)
JUDGED = TrainingSettings().standard_errors


def recovery(cause: str, count: int = 200, settings: TrainingSettings = SETTINGS, seed: int = 0) -> Recovery:
    """Train a planted shop as a shop's own data is trained, and see what its reasons name."""
    settings = replace(settings, seed=seed, steps=settings.steps or SHOPS[cause].steps)
    if cause == "popularity":
        settings = replace(settings, standard_errors=JUDGED)
    vocabulary = Vocabulary([str(item) for item in range(1, PRODUCTS + 1)])
    with TemporaryDirectory() as name:
        result = train(planted_log(cause, seed=seed), vocabulary, Path(name), settings)
        if not result.accepted:
            return summary([Outcome(True, True, cause == "popularity", False)], published=False)
        scorer = Scorer.open(name)
        return summary([outcome(cause, case, scorer) for case in planted_cases(cause, count, seed)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=300)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--causes", nargs="+", choices=SHOPS, default=list(SHOPS))
    parser.add_argument("--json", type=Path, metavar="OUT")
    options = parser.parse_args()
    found: dict[str, list[dict]] = {cause: [] for cause in options.causes}
    for seed in range(options.seeds):
        for cause in options.causes:
            found[cause].append(asdict(recovery(cause, options.cases, seed=seed)))
            print(cause, seed, found[cause][-1], flush=True)
    for cause, seeds in found.items():
        print(f"{cause}: recovered {mean(one['recovered'] for one in seeds):.3f}, mean of {len(seeds)} seeds")
    if options.json:
        options.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
