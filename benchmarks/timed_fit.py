"""Our own fit from file to artifact, stage by stage on the clock, in a process that does nothing else."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time

import numpy as np
import torch

from benchmarks.matmul_floor import Rate, fit_flop
from benchmarks.peers.answering import peak_rss_mb
from benchmarks.protocols import Question, ask
from benchmarks.quality_baselines import lists_of, ndcg_of
from recommendations.ml.splitting import HeldOut
from recommendations.ml.training.export import write_artifact
from recommendations.ml.training.fit import fit
from recommendations.ml.training.judge import Method, encode
from recommendations.ml.training.mixing import MixSearch
from recommendations.ml.training.parity import check_parity
from recommendations.ml.training.settings import TrainingSettings, plan
from recommendations.ml.training.tables import build_tables
from recommendations.ml.vocabulary import Vocabulary

SAMPLES = 40  # of the rate of a matrix product, during a fit


@dataclass(frozen=True)
class Fit:
    """Which fit: `share` of the steps that a training takes (or of `steps`), and whether to the artifact."""

    data: str
    share: float = 1.0
    artifact: bool = True
    seed: int = 0
    steps: int | None = None
    judged: int = 6_000  # shoppers who choose the weights of the mix


@dataclass
class Stages:
    """Seconds of each stage, [wall, cpu]."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    _last: tuple[float, float] = field(default_factory=lambda: (perf_counter(), process_time()))

    def ended(self, name: str, apart: tuple[float, float] = (0.0, 0.0)) -> None:
        """The stage `name` ended; `apart` is not to be counted as its time."""
        now = perf_counter(), process_time()
        self.seconds[name] = [new - old - less for new, old, less in zip(now, self._last, apart, strict=True)]
        self._last = now


def alone(asked: Fit) -> dict:
    """measure(asked) in a new process: its memory is its own. What it imports is not on the clock."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        return process.submit(measure, asked).result()


def measure(asked: Fit) -> dict:
    """The stages' seconds, NDCG@10 as served and of the network alone, and what a floor is computed from."""
    torch.set_num_threads(1)
    stages, rate = Stages(), Rate()
    question = ask(asked.data, "leave-one-out", judged=asked.judged)
    stages.ended("read")
    past = question.log.before(question.choose_from)
    tables = build_tables(past, question.products, question.choose_from)
    stages.ended("count")
    settings = replace(TrainingSettings(), seed=asked.seed, steps=asked.steps)
    chosen = plan(len(past), past.products_met(), settings)
    steps = max(round(chosen.steps * asked.share), 1)
    network = fit(past, tables, steps, chosen.fit, rate.every(1 / SAMPLES))
    stages.ended("fit", (rate.wall, rate.cpu))
    mix = MixSearch(network, tables, [question.choosing]).best(lambda share: None)
    score = mix.score_of(network, tables)
    stages.ended("choose weights")
    if asked.artifact:
        with TemporaryDirectory() as name:
            vocabulary = Vocabulary([str(k) for k in range(1, question.products + 1)])
            write_artifact(Path(name), network, score, tables, vocabulary, settings)
            check_parity(Path(name), question.asked.asked.histories[:20], lambda share: None)
        stages.ended("artifact")
    peak = peak_rss_mb()

    def hidden(held_out: HeldOut) -> np.ndarray:
        return encode(network, held_out.histories, tables.trained_kinds)

    def served(held_out: HeldOut) -> np.ndarray:
        return score.score(hidden(held_out), held_out.histories)

    def network_alone(held_out: HeldOut) -> np.ndarray:
        return hidden(held_out) @ network.item_matrix.detach().numpy().T + network.bias.detach().numpy()

    return {
        "steps": steps,
        "share": asked.share,
        "ndcg@10": quality(question, served),
        "network_ndcg@10": quality(question, network_alone),
        "stages": stages.seconds,
        "peak_rss_mb": peak,
        "flop": fit_flop(past, tables, steps, chosen.fit),
        "sgemm_gflops": rate.samples,
    }


def quality(question: Question, method: Method) -> float:
    """Mean NDCG@10 of the asked shoppers."""
    return float(np.mean(ndcg_of(lists_of(question.asked, method), question.asked)))
