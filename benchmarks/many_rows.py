"""How a training grows with the shop: made-up interactions of any number, fitted as a shop's own are.

`python -m benchmarks.many_rows --rows 1000000 --products 10000 --json OUT`; the default pipeline, from sorting the rows
to the artifact. Printed: seconds and CPU seconds of each stage, peak memory, NDCG@10 of the recommender and of each
baseline. --steps shortens both fits (and says nothing about quality then).

The shop: products in categories, popular by Zipf's law within each; shoppers with three categories each and lengths
of a long tail; after a product often comes one of its three followers, so that there is something to learn.
"""

import argparse
import json
import resource
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time

import numpy as np

from recommendations.ml.interactions import InteractionLog
from recommendations.ml.kinds import Kind
from recommendations.ml.training.pipeline import TrainingResult, train
from recommendations.ml.training.settings import TrainingSettings
from recommendations.ml.vocabulary import Vocabulary

CATEGORY = 200  # products in a category
INTERESTS = 3
FOLLOWERS = 3
FOLLOWED = 0.5  # the share of events that follow from the one before
MEAN_LENGTH, LONGEST = 20, 300
BEGIN, SECONDS = 1_700_000_000, 365 * 86_400


def made_log(rows: int, products: int, seed: int) -> InteractionLog:
    """About `rows` interactions with `products` products; the same for the same seed."""
    rng = np.random.default_rng(seed)
    lengths = drawn_lengths(rows, rng)
    shopper, place = np.repeat(np.arange(len(lengths)), lengths), places(lengths)
    item = np.zeros(len(shopper), np.int32)
    begins = np.cumsum(lengths) - lengths
    for at, chosen in enumerate(drawn_items(lengths, products, rng)):
        item[begins[: len(chosen)] + at] = chosen
    arrived = rng.random(len(lengths))[shopper]
    share = arrived + (1 - arrived) * (place + rng.random(len(place))) / lengths[shopper]
    kind = rng.choice([Kind.VIEW, Kind.ADD_TO_CART, Kind.PURCHASE], len(item), p=[0.8, 0.1, 0.1]).astype(np.int8)
    return InteractionLog.from_rows(shopper, item, kind, BEGIN + (share * SECONDS).astype(np.int64))


def drawn_lengths(rows: int, rng: np.random.Generator) -> np.ndarray:
    """Events of each shopper, the longest first, `rows` or a little more in all."""
    lengths = np.clip(rng.lognormal(np.log(MEAN_LENGTH) - 0.5, 1.0, 2 * rows // MEAN_LENGTH + 1), 2, LONGEST)
    lengths = lengths.astype(np.int64)
    return -np.sort(-lengths[: np.searchsorted(np.cumsum(lengths), rows) + 1])


def places(lengths: np.ndarray) -> np.ndarray:
    """0, 1, ... within each shopper's events."""
    return np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)


def drawn_items(lengths: np.ndarray, products: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """The first item of all shoppers, then the second of those who have one, and so on; `lengths` descend."""
    size = min(CATEGORY, products)
    categories = products // size
    chances = 1 / np.arange(1, size + 1)
    cumulated = np.cumsum(chances / chances.sum())
    popular = zipf(categories, rng, len(lengths) * INTERESTS).reshape(-1, INTERESTS)
    followers = rng.integers(0, size, (categories * size, FOLLOWERS))  # within the category
    last = np.zeros(len(lengths), np.int64)
    for at in range(lengths[0]):
        asking = np.searchsorted(-lengths, -at)  # shoppers with more than `at` events
        category = popular[np.arange(asking), rng.integers(0, INTERESTS, asking)]
        drawn = category * size + np.minimum(np.searchsorted(cumulated, rng.random(asking)), size - 1)
        before = last[:asking]
        next_one = before // size * size + followers[before, rng.integers(0, FOLLOWERS, asking)]
        last = np.where((rng.random(asking) < FOLLOWED) & (at > 0), next_one, drawn)
        yield (last + 1).astype(np.int32)


def zipf(count: int, rng: np.random.Generator, draws: int) -> np.ndarray:
    """Numbers below `count`, k as often as 1 / (k + 10)."""
    chances = np.cumsum(1 / np.arange(10, count + 10))
    return np.minimum(np.searchsorted(chances, rng.random(draws) * chances[-1]), count - 1)


class Clock:
    """Seconds and CPU seconds of each stage, as a training reports them."""

    def __init__(self) -> None:
        self.stages: dict[str, list[float]] = {}
        self._stage, self._began = "", (0.0, 0.0)

    def __call__(self, stage: str, share: float = 0.0) -> None:
        """Called at every report; a new stage ends the one before."""
        if stage == self._stage:
            return
        now = perf_counter(), process_time()
        if self._stage:
            spent = [round(new - old, 1) for new, old in zip(now, self._began, strict=True)]
            self.stages[self._stage] = spent
            print(f"{self._stage}: {spent[0]} s, {spent[1]} CPU s, peak {peak_mb()} MB", flush=True)
        self._stage, self._began = stage, now


def peak_mb() -> int:
    """The most memory this process ever held."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def measure(rows: int, products: int, settings: TrainingSettings) -> dict:
    """One training of a made-up shop."""
    clock = Clock()
    clock("make and sort rows")
    log = made_log(rows, products, settings.seed)
    vocabulary = Vocabulary([str(k) for k in range(1, products + 1)])
    with TemporaryDirectory() as directory:
        result = train(log, vocabulary, Path(directory), settings, clock)
    clock("end")
    return figures(result) | {"rows": len(log), "products": products, "stages": clock.stages, "peak_rss_mb": peak_mb()}


def figures(result: TrainingResult) -> dict:
    """What is told of a training."""
    quality = {
        protocol: {name: round(values["ndcg@10"], 4) for name, values in methods.items()}
        for protocol, methods in result.metrics.items()
    }
    return {"accepted": result.accepted, "refusal": result.refusal, "steps": result.steps, "ndcg@10": quality}


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--products", type=int, default=10_000)
    parser.add_argument("--steps", type=int, help="of each fit, if not as many as a training takes")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path, metavar="OUT")
    options = parser.parse_args(arguments)
    settings = TrainingSettings(steps=options.steps, threads=options.threads, max_seconds=1e9)
    found = [measure(options.rows, options.products, replace(settings, seed=seed)) for seed in range(options.seeds)]
    text = json.dumps(found, indent=1)
    print(text)
    if options.json:
        options.json.write_text(text)


if __name__ == "__main__":
    main()
