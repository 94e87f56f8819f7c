"""Shops in which the cause of some purchases is known, and whether the reasons name it.

Each shop has one kind of cause, ten times: products A, B and P among sixty others that are bought by popularity alone.
P follows within a few events, and only where its cause is in the history; without it a shopper never meets P. Half of
the shoppers meet no plant, and where two products are needed one alone is four times as frequent: training leaves out
15 % of the events, so a rarer "A alone" would mostly be "A and B" with B left out, and would rightly be read so.

`python -m benchmarks.planted --json OUT` trains every shop through the real pipeline and prints what is recovered.
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from recommendations.ml.fidelity import minimal_pairs
from recommendations.ml.interactions import InteractionLog
from recommendations.ml.kinds import Kind
from recommendations.ml.lists_without import ListsWithout as Removals
from recommendations.ml.reasons import LeaveOneOut
from recommendations.ml.scorer import Scorer
from recommendations.ml.sequences import History
from recommendations.ml.training.pipeline import train
from recommendations.ml.training.settings import TrainingSettings
from recommendations.ml.vocabulary import Vocabulary

PLANTS, FILLERS = 10, 60
PRODUCTS = 3 * PLANTS + FILLERS
DAY = 86_400
LIMIT = 5
# Published whatever the baselines do, since what is measured is the reasons. The popularity shop is judged as any shop.
SETTINGS = TrainingSettings(steps=400, width=32, dropout=0.1, rate=5e-3, shoppers_judged=800, standard_errors=-1_000)
JUDGED = 0.5
SHOPPERS = 3_000


@dataclass(frozen=True)
class Plant:
    """Three products: A and B may make P wanted."""

    a: int
    b: int
    p: int


@dataclass(frozen=True)
class Visit:
    """Which causes a shopper meets, in this order, and how likely P follows."""

    causes: tuple[int, ...]
    likelihood: float


# Draws one shopper's visit.
Draw = Callable[[Plant, np.random.Generator], Visit]


def single(plant: Plant, rng: np.random.Generator) -> Visit:
    """A makes P."""
    return Visit((plant.a,), 1)


def both(plant: Plant, rng: np.random.Generator) -> Visit:
    """A and B together make P, in any order; one alone, which is more frequent, does not."""
    pair = tuple(rng.permutation([plant.a, plant.b]).tolist())
    return Visit(pair, 1) if rng.random() < 0.2 else Visit(pair[:1], 0)


def either(plant: Plant, rng: np.random.Generator) -> Visit:
    """A or B makes P."""
    pair = tuple(rng.permutation([plant.a, plant.b]).tolist())
    return Visit(pair[: rng.integers(1, 3)], 1)


def repeated(plant: Plant, rng: np.random.Generator) -> Visit:
    """A, met two or three times, makes P."""
    return Visit((plant.a,) * int(rng.integers(2, 4)), 1)


def ordered(plant: Plant, rng: np.random.Generator) -> Visit:
    """A before B makes P, B before A does not, and one alone does not."""
    kind = rng.random()
    if kind < 0.2:
        return Visit((plant.a, plant.b), 1)
    return Visit((plant.b, plant.a), 0) if kind < 0.4 else Visit((plant.a if kind < 0.7 else plant.b,), 0)


def suppressed(plant: Plant, rng: np.random.Generator) -> Visit:
    """A makes P, B makes it less likely again."""
    pair = tuple(rng.permutation([plant.a, plant.b]).tolist())
    return Visit(pair, 0.4) if rng.random() < 0.5 else Visit((plant.a,), 1)


def popular(plant: Plant, rng: np.random.Generator) -> Visit:
    """Nothing makes anything."""
    return Visit((), 0)


SHOPS: dict[str, Draw] = {
    "single": single,
    "and": both,
    "or": either,
    "repeated": repeated,
    "order": ordered,
    "suppressor": suppressed,
    "popularity": popular,
}
# What a case shows the recommender: all of the cause, in its order.
CASES: dict[str, Callable[[Plant], tuple[int, ...]]] = {
    "single": lambda plant: (plant.a,),
    "and": lambda plant: (plant.a, plant.b),
    "or": lambda plant: (plant.a, plant.b),
    "repeated": lambda plant: (plant.a, plant.a),
    "order": lambda plant: (plant.a, plant.b),
    "suppressor": lambda plant: (plant.a, plant.b),
    "popularity": lambda plant: (),
}


def plants() -> list[Plant]:
    """Items 1..30 are the plants', the rest are fillers."""
    return [Plant(3 * k + 1, 3 * k + 2, 3 * k + 3) for k in range(PLANTS)]


def planted_log(cause: str, shoppers: int = SHOPPERS, seed: int = 0) -> InteractionLog:
    """The log of a shop with this cause; everybody comes once a day, from a day of their own."""
    rng = np.random.default_rng(seed)
    known, rows = plants(), []
    for shopper in range(1, shoppers + 1):
        plant = known[rng.integers(PLANTS)]
        meets = rng.random() < 0.5 or cause in ("and", "order")  # these have shoppers enough without P
        visit = SHOPS[cause](plant, rng) if meets else Visit((), 0)
        items = _among_fillers(visit.causes, int(rng.integers(3, 7)), rng)
        if rng.random() < visit.likelihood:
            items.append(plant.p)
        items += _fillers(2, rng)
        first = rng.integers(0, 60)
        rows += [(shopper, item, (first + day) * DAY) for day, item in enumerate(items)]
    shopper, item, time = np.array(rows).T
    return InteractionLog.from_rows(shopper, item, np.full(len(rows), Kind.VIEW), time)


def planted_cases(cause: str, count: int, seed: int = 1) -> list[tuple[Plant, History]]:
    """Histories in which P is due, none of them in the log."""
    rng, known, cases = np.random.default_rng(seed), plants(), []
    for k in range(count):
        plant = known[k % PLANTS]
        causes = CASES[cause](plant)
        if cause not in ("order", "popularity"):
            causes = tuple(rng.permutation(causes).tolist())
        items = _among_fillers(causes, int(rng.integers(3, 7)), rng)
        cases.append((plant, History.of(items, [Kind.VIEW] * len(items))))
    return cases


def _among_fillers(causes: tuple[int, ...], count: int, rng: np.random.Generator) -> list[int]:
    """The causes in their order at random places among fillers, never two of them side by side."""
    items = _fillers(max(count, len(causes)), rng)
    for place, item in sorted(zip(_places(len(causes), len(items), rng), causes, strict=True), reverse=True):
        items.insert(place, item)
    return items


def _places(causes: int, fillers: int, rng: np.random.Generator) -> list[int]:
    return sorted((rng.choice(fillers, causes, replace=False) + 1).tolist())


def _fillers(count: int, rng: np.random.Generator) -> list[int]:
    weights = 1 / np.arange(1, FILLERS + 1)
    return (rng.choice(FILLERS, count, replace=False, p=weights / weights.sum()) + 3 * PLANTS + 1).tolist()


@dataclass(frozen=True)
class Recovery:
    """What the reasons of a planted shop say."""

    recovered: float  # share of cases in which the cause, and nothing but the cause, is named
    shown: float  # share of cases in which P is in the list
    named_wrongly: float  # share of cases in which something else is named
    published: bool  # whether the recommender beat the baselines; if not, popular products are shown, without a cause


def recovery(cause: str, count: int = 200, settings: TrainingSettings = SETTINGS, shoppers: int = SHOPPERS) -> Recovery:
    """Train a planted shop as a shop's own data is trained, and see what its reasons name."""
    with TemporaryDirectory() as name:
        vocabulary = Vocabulary([str(item) for item in range(1, PRODUCTS + 1)])
        log = planted_log(cause, shoppers)
        if cause == "popularity":
            settings = replace(settings, standard_errors=JUDGED)
        result = train(log, vocabulary, Path(name), settings)
        if not result.accepted:
            nothing = float(cause == "popularity")
            return Recovery(nothing, 0.0, 0.0, False)
        scorer = Scorer.open(name)
        counts = np.bincount(log.item, minlength=PRODUCTS + 1)
        found = [_judged(cause, plant, Removals(scorer, h, counts, LIMIT)) for plant, h in planted_cases(cause, count)]
    shown, right, wrong = np.array(found, float).mean(axis=0)
    return Recovery(float(right), float(shown), float(wrong), True)


def _judged(cause: str, plant: Plant, list_: Removals) -> tuple[bool, bool, bool]:
    """(P is shown, nothing but the cause is named, something else is named)."""
    causes = LeaveOneOut(list_.scorer, list_.history, list_.pool, list_.pool_scores)
    named = [{c.anchors[0] for c in causes.causes(i, k, LIMIT)} for k, i in enumerate(list_.shown, start=1)]
    if cause == "popularity":
        return False, not any(named), any(named)
    if plant.p not in list_.shown:
        return False, False, False
    place = list_.shown.index(plant.p)
    wrong = bool(named[place] - set(_allowed(cause, plant)))
    if cause == "or":
        pairs = minimal_pairs(list_.of(place), list_.units, LIMIT)
        right = not named[place] and [set(pair) for pair in pairs] == [{plant.a, plant.b}]
    else:
        right = bool(named[place]) and not wrong
    return True, right, wrong


def _allowed(cause: str, plant: Plant) -> tuple[int, ...]:
    """What a reason for P may name."""
    return (plant.a, plant.b) if cause in ("and", "or", "order") else (plant.a,)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=1_000)
    parser.add_argument("--causes", nargs="+", choices=SHOPS, default=list(SHOPS))
    parser.add_argument("--json", type=Path, metavar="OUT")
    options = parser.parse_args()
    found = {}
    for cause in options.causes:
        found[cause] = asdict(recovery(cause, options.cases))
        print(cause, found[cause], flush=True)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
