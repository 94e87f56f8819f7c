"""One training: judge a fit on the newest interactions, then fit all of them and write the artifact."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from ..artifact import Manifest, write_manifest
from ..baselines import bought_before, popularity
from ..interactions import InteractionLog
from ..kept_fits import Before, write_weights
from ..ranking import Columns, Reach, logits, next_item_strength
from ..scorer import Scorer
from ..sequences import READ_LIMIT, History
from ..splitting import HeldOut, NotEnoughData, hold_out, split_time
from ..text import NO_INDEX, QueryIndex, Words
from ..vocabulary import Vocabulary
from .checkpoints import Checkpoint, fingerprint
from .counted import network_and_mix
from .export import write_artifact
from .fit import fit
from .importance import importance
from .judge import (
    COUNTED,
    CURRENT,
    NETWORK,
    RECOMMENDER,
    Method,
    Protocol,
    beside_current,
    compare,
    encode,
    falls_behind,
    interactions_by_kind,
    leads,
    protocols,
    refusal,
)
from .mixing import Mix, MixSearch
from .neighbours import item_neighbours, neighbour_scores
from .network import Network
from .parity import check_parity
from .progress import Progress, Report
from .settings import TrainingSettings, plan
from .tables import Tables, build_tables
from .threads import on_threads
from .warm_start import Carried, Start, carry

NOTHING_BEFORE = Before()


@dataclass(frozen=True)
class TrainingResult:
    """What came out of a training. The artifact is written only when it was accepted."""

    accepted: bool
    refusal: str  # why not, "" when accepted
    metrics: dict  # protocol -> method -> metric -> value
    leads: dict  # protocol -> other method -> {lead, standard_error} in NDCG@10
    data: dict  # counts and the time window
    mix: dict  # the weights chosen
    steps: int  # of the judged fit
    start: dict  # {version, new, warm_starts}: the version it started from, or {cold, warm_starts}: why from none
    current: dict  # {version, protocol: {lead, low, high, shoppers}}: compared with; {} when with none
    timings: dict = field(default_factory=dict)  # stage -> seconds
    parity: dict = field(default_factory=dict)  # torch against ONNX
    version: str = ""


def train(
    log: InteractionLog,
    vocabulary: Vocabulary,
    directory: Path,
    settings: TrainingSettings | None = None,
    report: Report = lambda stage, fraction: None,
    index: QueryIndex = NO_INDEX,
    checkpoints: Path | None = None,
    before: Before = NOTHING_BEFORE,
    words_before: Callable[[int], Words] | None = None,
) -> TrainingResult:
    """Train on `log` and, when the result beats every baseline, write an artifact into `directory` (which exists).

    `index` has the words of the products, `words_before(time)` those of the products that were met before, which the
    judged fit reads; without it that reads the same.
    `report(stage, fraction of the whole)` is called at least every second while fitting; what it raises ends the
    training. NotEnoughData when there is too little to judge by. In the folder `checkpoints` both fits are kept as far
    as they are: called again after it was killed, with the same log and settings, the training ends with the same.
    It starts from `before` where that may be, and must not surely fall behind it.
    """
    settings = settings or TrainingSettings()
    progress = Progress(report, settings.max_seconds)
    with on_threads(settings.threads):
        progress.enter("count")
        _check_size(log, vocabulary)
        cutoff, n = split_time(log, settings.held_out), len(vocabulary)
        words = Words(index, log.queries) if words_before is None else words_before(cutoff)
        then = log.with_queries(words.queries)
        past = then.before(cutoff)
        held_out = hold_out(then, cutoff, settings.shoppers_judged, settings.seed)
        asked, left_out = protocols(held_out, settings.shoppers_needed)
        tables = build_tables(past, n, cutoff, words.index)
        cold = plan(len(past), past.products_met(), settings)
        carried, why_cold = carry(before, then, vocabulary, cutoff, words.index)
        start = Start.choose(cold, carried, why_cold, past, settings.warm_starts)
        progress.enter("judged fit")
        network = _fit(past, tables, cutoff, start, progress, checkpoints, "judged-fit")
        progress.enter("choose weights")
        choosing, judging = zip(*(protocol.halves() for protocol in asked), strict=True)
        met_too = Protocol("met_too", held_out.halves()[0], False) if held_out.repeating() else None
        search = MixSearch(network, tables, choosing, met_too)
        mix, table_read = search.best(progress), search.best_table()
        progress.enter("judge")
        methods = _methods(past, n, tables, network, mix, table_read, carried) | _of_counted(tables, words.index, n)
        metrics, single = compare(judging, methods, n, progress)
        data = _describe(log, vocabulary, cutoff, judging) | {"left_out": left_out}
        reading = partial(encode, network, trained_kinds=tables.trained_kinds)
        data["importance"] = importance(mix.score_of(network, tables), reading, judging, settings.seed)
        lead_over = leads(single)
        compared = beside_current(lead_over, judging, settings.errors_behind) if carried else {}
        why_not = refusal(metrics, lead_over, settings.standard_errors)
        why_not = why_not or (falls_behind(compared, carried.fits.version) if carried else "")
        found = {"metrics": metrics, "leads": lead_over, "data": data, "mix": asdict(mix), "steps": start.plan.steps}
        found |= {"start": start.told, "current": {"version": carried.fits.version, **compared} if carried else {}}
        if why_not:
            return TrainingResult(False, why_not, **found, timings=progress.timings())
        kept = _Kept(network, cutoff, len(past), mix, start.told["warm_starts"])
        start = start.of_all(cold, carried, log)
        del network, tables, search, methods, carried, reading
        parity, version = _refit(log, vocabulary, Path(directory), start, kept, settings, progress, index, checkpoints)
    return TrainingResult(True, "", **found, timings=progress.timings(), parity=parity, version=version)


def _refit(
    log: InteractionLog,
    vocabulary: Vocabulary,
    directory: Path,
    start: Start,
    kept: "_Kept",
    settings: TrainingSettings,
    progress: Progress,
    index: QueryIndex,
    checkpoints: Path | None,
) -> tuple[dict, str]:
    progress.enter("final fit")
    now = int(log.time.max()) + 1
    tables = build_tables(log, len(vocabulary), now, index)
    network = _fit(log, tables, now, start, progress, checkpoints, "final-fit")
    progress.enter("export")
    score = kept.mix.score_of(network, tables)
    write_weights(directory, kept.weights, network.bias.detach().numpy())
    told = kept.told(now, len(log))
    manifest = write_artifact(directory, network, score, tables, vocabulary, settings, index, told)
    parity = check_parity(directory, _some_histories(log), progress)
    manifest = write_manifest(directory, Manifest(**{**vars(manifest), "eps": parity["eps"]}))
    Scorer.open(directory).scores(_some_histories(log)[:1])
    return parity, manifest.version


class _Kept:
    """What is kept of the judged fit: for the final one, and for the next training."""

    def __init__(self, network: Network, until: int, interactions: int, mix: Mix, warm_starts: int):
        self.weights = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
        self.mix = mix
        judged = {"until": until, "interactions": interactions}
        self._told = {"judged": judged, "mix": asdict(mix), "warm_starts": warm_starts}

    def told(self, until: int, interactions: int) -> dict:
        """For the manifest, with what the final fit has seen."""
        return self._told | {"final": {"until": until, "interactions": interactions}}


def _fit(
    log: InteractionLog,
    tables: Tables,
    now: int,
    start: Start,
    progress: Progress,
    checkpoints: Path | None,
    name: str,
) -> Network:
    how = (start.plan.steps, start.plan.fit)
    kept = None
    if checkpoints is not None:
        items = len(tables.popularity) - 1
        kept = Checkpoint(checkpoints, name, fingerprint(log, items, now, *how, start.arrays()))
    return fit(log, tables, *how, progress, kept, start.weights)


def _methods(
    past: InteractionLog,
    n: int,
    tables: Tables,
    network: Network,
    mix: Mix,
    table_read: tuple[float, Reach],
    carried: Carried | None,
) -> dict[str, Method]:
    full, alone = mix.score_of(network, tables), network.bias.detach().numpy()
    neighbours = item_neighbours(past, n)

    def hidden(asked: HeldOut) -> np.ndarray:
        return encode(network, asked.histories, tables.trained_kinds)

    def table(asked: HeldOut) -> np.ndarray:
        power, reach = table_read
        return next_item_strength(tables.next_item[power], asked.histories, Columns(n + 1, None), reach)

    current = {} if carried is None else {CURRENT: carried.scores}
    return current | {
        RECOMMENDER: lambda asked: full.score(hidden(asked), asked.histories),
        NETWORK: lambda asked: logits(hidden(asked), full.item_matrix) + alone,
        "popularity": lambda asked: popularity(tables.popularity, asked),
        "recent_popularity": lambda asked: popularity(tables.recent, asked),
        "item_neighbours": lambda asked: neighbour_scores(neighbours, asked),
        "next_item_table": table,
        "bought_before": lambda asked: bought_before(tables.recent, asked),
    }


def _of_counted(tables: Tables, index: QueryIndex, n: int) -> dict[str, Method]:
    """What a new shop is served, where there are words; how wide its vectors are changes little."""
    if tables.likeness is None:
        return {}
    network, mix = network_and_mix(tables, index, n)
    score = mix.score_of(network, tables)
    return {COUNTED: lambda asked: score.score(encode(network, asked.histories, tables.trained_kinds), asked.histories)}


def _check_size(log: InteractionLog, vocabulary: Vocabulary) -> None:
    items = log.products().item
    if len(items) == 0:
        raise NotEnoughData(
            "nobody has done anything yet: import past orders with import_interactions, or wait for visitors"
        )
    if len(np.unique(items)) < 2:
        raise NotEnoughData(
            f"{len(log)} interactions with {len(np.unique(items))} products; at least 2 products are needed: "
            "import past orders with import_interactions, or wait for visitors"
        )
    if items.max() > len(vocabulary):
        raise ValueError(
            f"the log names item {items.max()}, the vocabulary ends at {len(vocabulary)}; number both alike"
        )


def _describe(log: InteractionLog, vocabulary: Vocabulary, cutoff: int, judging: tuple) -> dict:
    return {
        "interactions": len(log),
        "dropped": log.dropped,
        "by_kind": interactions_by_kind(log),
        "shoppers": len(np.unique(log.shopper)),
        "products": len(vocabulary),
        "products_met": log.products_met(),
        "first": int(log.time.min()),
        "cutoff": cutoff,
        "last": int(log.time.max()),
        "judged_shoppers": {protocol.name: len(protocol.asked) for protocol in judging},
    }


def _some_histories(log: InteractionLog, count: int = 20) -> list[History]:
    starts = log.shopper_starts()
    chosen = np.linspace(0, len(starts) - 2, min(count, len(starts) - 1)).astype(int)
    histories = []
    for row in chosen.tolist():
        read = slice(max(starts[row], starts[row + 1] - READ_LIMIT), starts[row + 1])
        histories.append(History(log.item[read], log.kind[read], read.start == starts[row], log.queries))
    return histories
