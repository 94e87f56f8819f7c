"""Shops in which the cause of some purchases is known.

Each shop has one kind of cause, PLANTS times: products A, B and P among FILLERS others that are bought by popularity
alone. P follows within a few events where its cause is in the history, and nowhere else.

Where two products are needed, one alone is far more frequent than both. Training leaves out 15 % of the events, so that
an "A alone" is now and then an "A and B" with B left out, and is rightly read so: were both half as frequent as A
alone, P would keep a chance of 7 % after A alone, more than the filler in the last place of a list, and would often
stay without B. Here it is 3 %, where the last place takes 5 %.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from recommendations.ml.interactions import InteractionLog
from recommendations.ml.kinds import Kind
from recommendations.ml.sequences import History

PLANTS, FILLERS = 6, 40
PRODUCTS = 3 * PLANTS + FILLERS
SHOPPERS = 8_000
DAY = 86_400


@dataclass(frozen=True)
class Plant:
    """Three products: A and B may make P wanted."""

    a: int
    b: int
    p: int

    def named(self, letters: str) -> tuple[int, ...]:
        """The products that the letters A and B stand for; "-" is 0, no product of the plant."""
        return tuple({"A": self.a, "B": self.b, "-": 0}[letter] for letter in letters)


@dataclass(frozen=True)
class Visit:
    """Which causes a shopper meets, in this order, how many shoppers do, and how likely P follows."""

    share: float
    causes: str
    likelihood: float


@dataclass(frozen=True)
class Shop:
    """One kind of cause. In what a case shows, letters stand in the order of the places they take."""

    visits: tuple[Visit, ...]  # their shares sum to 1
    shows: str  # what a case shows: all of the cause
    any_order: bool = False  # whether the cause works, and is shown, in any order
    enough: tuple[str, ...] = ()  # what makes P due as well, put in the same places
    lacking: tuple[str, ...] = ()  # what does not
    may_name: str = "A"  # what a reason for P may name
    steps: int = 400  # of the fit, until the rule is learned

    def draw(self, rng: np.random.Generator) -> Visit:
        """One shopper's visit."""
        ends = np.cumsum([visit.share for visit in self.visits])
        return self.visits[min(int(np.searchsorted(ends, rng.random(), side="right")), len(ends) - 1)]


def _shop(*visits: tuple[float, str, float], **rest: Any) -> Shop:
    return Shop(tuple(Visit(*visit) for visit in visits), **rest)


SHOPS: dict[str, Shop] = {
    "single": _shop((0.5, "A", 1), (0.5, "", 0), shows="A", lacking=("-",)),
    "and": _shop(
        *((0.05, "AB", 1), (0.05, "BA", 1), (0.45, "A", 0), (0.45, "B", 0)),
        shows="AB",
        any_order=True,
        lacking=("A-", "-B"),
        may_name="AB",
        steps=800,
    ),
    "or": _shop(
        *((0.125, "AB", 1), (0.125, "BA", 1), (0.125, "A", 1), (0.125, "B", 1), (0.5, "", 0)),
        shows="AB",
        any_order=True,
        enough=("A-", "-B"),
        lacking=("--",),
        may_name="AB",
    ),
    "repeated": _shop((0.25, "AA", 1), (0.25, "AAA", 1), (0.5, "", 0), shows="AA", lacking=("--",)),
    "order": _shop(
        *((0.08, "AB", 1), (0.16, "BA", 0), (0.38, "A", 0), (0.38, "B", 0)),
        shows="AB",
        lacking=("BA", "A-", "-B"),
        may_name="AB",
    ),
    # B makes P less likely, so only A may be named. It is met alone too: else B alone would foretell P, for A is near.
    "suppressor": _shop(
        *((0.1, "AB", 0.4), (0.1, "BA", 0.4), (0.25, "A", 1), (0.25, "B", 0), (0.3, "", 0)),
        shows="AB",
        any_order=True,
        enough=("A-",),
        lacking=("-B",),
    ),
    "popularity": _shop((1, "", 0), shows="", may_name=""),
}


def plants() -> list[Plant]:
    """The first items are the plants', the rest are fillers."""
    return [Plant(3 * k + 1, 3 * k + 2, 3 * k + 3) for k in range(PLANTS)]


def planted_log(cause: str, shoppers: int = SHOPPERS, seed: int = 0) -> InteractionLog:
    """The log of a shop with this cause; everybody comes once a day, from a day of their own."""
    rng = np.random.default_rng((seed, 0))
    known, rows = plants(), []
    for shopper in range(1, shoppers + 1):
        plant = known[rng.integers(PLANTS)]
        visit = SHOPS[cause].draw(rng)
        items, _ = _among_fillers(plant.named(visit.causes), rng)
        if rng.random() < visit.likelihood:
            items.append(plant.p)
        items += _fillers(2, rng)
        first = rng.integers(0, 60)
        rows += [(shopper, item, (first + day) * DAY) for day, item in enumerate(items)]
    shopper, item, time = np.array(rows).T
    return InteractionLog.from_rows(shopper, item, np.full(len(rows), Kind.VIEW), time)


@dataclass(frozen=True)
class Case:
    """What one shopper did when P is due: `items` in their order, the causes at `places`."""

    plant: Plant
    items: tuple[int, ...]
    places: tuple[int, ...]
    spare: tuple[int, ...]  # fillers that are not in the history

    @property
    def history(self) -> History:
        return _viewed(self.items)

    def instead(self, letters: str) -> History:
        """The history with other causes in the same places; "-" puts a filler there."""
        items = list(self.items)
        for place, spare, item in zip(self.places, self.spare, self.plant.named(letters), strict=False):
            items[place] = item or spare
        return _viewed(items)


def planted_cases(cause: str, count: int, seed: int = 0) -> list[Case]:
    """Cases in which all of the cause is there, none of them in the log."""
    rng, known, shop, cases = np.random.default_rng((seed, 1)), plants(), SHOPS[cause], []
    for k in range(count):
        plant = known[k % PLANTS]
        causes = plant.named(shop.shows)
        items, places = _among_fillers(causes, rng)
        if shop.any_order:
            places = [int(place) for place in rng.permutation(places)]
        for place, item in zip(places, causes, strict=True):
            items[place] = item
        spare = [item for item in _fillers(FILLERS, rng) if item not in items]
        cases.append(Case(plant, tuple(items), tuple(places), tuple(spare)))
    return cases


def _among_fillers(causes: Sequence[int], rng: np.random.Generator) -> tuple[list[int], list[int]]:
    """(the causes in their order at random places among fillers, never two of them side by side; their places)."""
    items = _fillers(max(int(rng.integers(3, 7)), len(causes)), rng)
    before = sorted((rng.choice(len(items), len(causes), replace=False) + 1).tolist())
    places = [place + k for k, place in enumerate(before)]
    for place, item in zip(places, causes, strict=True):
        items.insert(place, item)
    return items, places


def _fillers(count: int, rng: np.random.Generator) -> list[int]:
    """Distinct fillers, drawn one by one, the k-th of them 1/k as popular as the first."""
    rings = rng.exponential(size=FILLERS) * np.arange(
        1, FILLERS + 1
    )  # the first clocks to ring: much faster than choice
    return (np.argsort(rings)[:count] + 3 * PLANTS + 1).tolist()


def _viewed(items: Sequence[int]) -> History:
    return History.of(items, [Kind.VIEW] * len(items))
