"""What a shop can set about a training, and whether it is set right: known without torch, so that a check can tell."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass(frozen=True)
class TrainingSettings:
    """How a training is done; every default works, `None` means chosen from the size of the data."""

    seed: int = 0
    threads: int = (
        1  # a second one makes a step 1.6 times as fast on an idle machine, 2 times as slow beside a busy one
    )
    held_out: float = 0.1  # newest share of the interactions that judges
    shoppers_needed: int = 50
    shoppers_judged: int = 2000  # at most, of many; three times as many others choose the weights of the mix
    standard_errors: float = 0.5  # by how many a lead over a baseline must exceed 0, so that luck is not published
    errors_behind: float = (
        1.96  # by how many it may fall behind the current version: only what is surely worse is refused
    )
    warm_starts: int = 0  # trainings in a row that may start from the one before; 0: each starts cold
    steps: int | None = None
    dropout: float | None = None
    rate: float | None = None
    width: int = 64
    max_seconds: float = 3600.0  # a training that takes longer is given up

    def to_dict(self) -> dict:
        """As JSON-able values."""
        return asdict(self)


@dataclass(frozen=True)
class _Range:
    """The values of a setting that are not obviously wrong."""

    said: str
    holds: Callable[[Any], bool]
    whole: bool = False

    def takes(self, value: Any) -> bool:
        number = int if self.whole else (int, float)
        return isinstance(value, number) and not isinstance(value, bool) and self.holds(value)


ANY = _Range("a number", lambda value: value == value)
ABOVE_ZERO = _Range("a number above 0", lambda value: value > 0)
FROM_ZERO = _Range("a whole number from 0", lambda value: value >= 0, whole=True)
FROM_ONE = _Range("a whole number from 1", lambda value: value >= 1, whole=True)
EVEN = _Range("an even number from 2", lambda value: value >= 2 and value % 2 == 0, whole=True)
RANGES = {
    "seed": FROM_ZERO,
    "threads": FROM_ONE,
    "held_out": _Range("a share between 0 and 1", lambda value: 0 < value < 1),
    "shoppers_needed": FROM_ONE,
    "shoppers_judged": FROM_ONE,
    "standard_errors": ANY,
    "errors_behind": ANY,
    "warm_starts": FROM_ZERO,
    "steps": FROM_ONE,
    "dropout": _Range("a share from 0 to less than 1", lambda value: 0 <= value < 1),
    "rate": ABOVE_ZERO,
    "width": EVEN,  # two attention heads share it
    "max_seconds": ABOVE_ZERO,
}


def wrong_settings(given: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong, a sentence's end each: "has an unknown key 'step': expected ...", "['steps'] is '30': ..."."""
    may_be_none = {field.name: field.default is None for field in fields(TrainingSettings)}
    for name, value in given.items():
        if name not in may_be_none:
            yield f" has an unknown key {name!r}: expected some of {sorted(may_be_none)}."
        elif not (RANGES[name].takes(value) or (value is None and may_be_none[name])):
            yield f"[{name!r}] is {value!r}: expected {RANGES[name].said}{' or None' if may_be_none[name] else ''}."
