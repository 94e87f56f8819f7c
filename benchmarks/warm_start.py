"""What a nightly training gains by starting from the version before: as good lists, in which share of the time?

`python -m benchmarks.warm_start --data FILE --seeds 3 --json OUT`; files: benchmarks/data_files.py. Amazon's Beauty and
Sports have no times: each shopper comes at a random moment of a year, and does what they did evenly until its end; so
the newest rows are of new shoppers and of known ones.

The oldest 95 % of the rows (--new 0.05) are trained cold, as the version before; then all rows cold, and all warm. Each
is a whole training of recommendations.ml.training.pipeline, judged as a shop's is, on the newest tenth of the rows.

- ndcg@10: as served, and of the network alone; ahead_of_before: the lead over the version before, by its judged fit,
  and its interval. Every protocol that the data can answer.
- cpu_seconds: of the whole training, and of its two fits (with the SVD), one thread.
- of_the_time: warm over cold.
"""

import argparse
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time

import numpy as np

from benchmarks.data_files import read_data
from benchmarks.telling import tell
from recommendations.ml.interactions import InteractionLog
from recommendations.ml.kept_fits import Before, KeptFits, read_kept_fits
from recommendations.ml.training.pipeline import TrainingResult, train
from recommendations.ml.training.reference import use_one_thread
from recommendations.ml.training.settings import TrainingSettings
from recommendations.ml.vocabulary import Vocabulary

YEAR = 365 * 86_400
FITS = ("judged fit", "final fit")


def with_times(log: InteractionLog) -> InteractionLog:
    """The log with made-up times that keep each shopper's order."""
    starts = log.shopper_starts()
    lengths = np.diff(starts)
    comes = np.repeat(np.random.default_rng(0).random(len(lengths)), lengths)
    place = (np.arange(len(log)) - np.repeat(starts[:-1], lengths) + 1) / np.repeat(lengths + 1, lengths)
    time = ((comes + (1 - comes) * place) * YEAR).astype(np.int64)
    return InteractionLog(log.shopper, log.item, log.kind, time)


def oldest(log: InteractionLog, share: float) -> InteractionLog:
    """This share of the rows, the oldest."""
    return log.before(int(np.sort(log.time)[min(int(len(log) * share), len(log) - 1)]))


class Clock:
    """CPU seconds of each stage of a training that reports to it."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = process_time()
        self._stage = ""

    def __call__(self, stage: str, share: float) -> None:
        """Count what went by since the last report for the stage that was on."""
        now = process_time()
        self.seconds[self._stage or stage] = self.seconds.get(self._stage or stage, 0.0) + now - self._last
        self._last, self._stage = now, stage


def trained(
    log: InteractionLog, products: int, settings: TrainingSettings, before: Before
) -> tuple[TrainingResult, dict[str, float], KeptFits]:
    """The training's result, the CPU seconds of its stages, and the fits it kept."""
    clock, vocabulary = Clock(), Vocabulary([str(k) for k in range(1, products + 1)])
    with TemporaryDirectory() as name:
        result = train(log, vocabulary, Path(name), settings, clock, before=before)
        clock(FITS[-1], 1.0)
        return result, clock.seconds, read_kept_fits(Path(name), version=1)


def told(result: TrainingResult, seconds: dict[str, float]) -> dict:
    """One training's figures."""
    return {
        "ndcg@10": {
            protocol: {name: methods[name]["ndcg@10"] for name in ("recommender", "network")}
            for protocol, methods in result.metrics.items()
        },
        "ahead_of_before": {name: found for name, found in result.current.items() if name != "version"},
        "start": result.start,
        "steps": result.steps,
        "cpu_seconds": {
            "whole": sum(seconds.values()),
            "fits": sum(seconds[name] for name in FITS),
            **{name: round(found, 2) for name, found in seconds.items()},
        },
    }


def measure_seed(log: InteractionLog, products: int, new: float, settings: TrainingSettings) -> dict:
    """The version before, then all rows cold and warm."""
    first, seconds, fits = trained(oldest(log, 1 - new), products, settings, Before())
    found = {"before": told(first, seconds)}
    for name, why_cold in (("cold", "asked for"), ("warm", "")):
        result, seconds, _ = trained(log, products, settings, Before(fits, why_cold))
        found[name] = told(result, seconds)
    cold, warm = found["cold"]["cpu_seconds"], found["warm"]["cpu_seconds"]
    return found | {"of_the_time": {name: warm[name] / cold[name] for name in ("whole", "fits")}}


def measure(options: argparse.Namespace) -> dict:
    """Every seed's figures, and their means."""
    data = read_data(options.data)
    log, products = data.log if data.has_times else with_times(data.log), len(data.names)
    settings = TrainingSettings(steps=options.steps, standard_errors=-1e9, warm_starts=6)  # publish whatever comes out
    seeds = [measure_seed(log, products, options.new, replace(settings, seed=seed)) for seed in range(options.seeds)]
    return {"means": means(seeds), "seeds": seeds}


def means(seeds: list[dict]) -> dict:
    """Of the seeds: NDCG@10 and CPU seconds of each training, and the share of the time."""
    found = {}
    for name in ("before", "cold", "warm"):
        runs = [seed[name] for seed in seeds]
        found[name] = {
            "ndcg@10": {
                protocol: {part: float(np.mean([run["ndcg@10"][protocol][part] for run in runs])) for part in parts}
                for protocol, parts in runs[0]["ndcg@10"].items()
            },
            "cpu_seconds": {
                part: float(np.mean([run["cpu_seconds"][part] for run in runs])) for part in ("whole", "fits")
            },
        }
    shares = [seed["of_the_time"] for seed in seeds]
    return found | {"of_the_time": {part: float(np.mean([share[part] for share in shares])) for part in shares[0]}}


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, metavar="FILE")
    parser.add_argument("--new", type=float, default=0.05, help="the share of rows that the version before lacks")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, help="of a cold fit, if not as many as a training takes")
    parser.add_argument("--json", type=Path, metavar="OUT")
    options = parser.parse_args(arguments)
    use_one_thread()
    found = measure(options) | {"data": Path(options.data).name, "new": options.new}
    tell(found, options.json)


if __name__ == "__main__":
    main()
