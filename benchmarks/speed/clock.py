"""Several runs of each thing, in turn, so that what disturbs the machine disturbs all of them."""

from collections.abc import Callable, Mapping
from time import perf_counter

import numpy as np

# Does some work and returns how much of it was done.
Work = Callable[[], int]


def rates(prepared: Mapping[str, Callable[[], Work]], runs: int) -> dict[str, list[float]]:
    """Units of work a second in each run, after one that does not count; preparing is not timed."""
    found: dict[str, list[float]] = {name: [] for name in prepared}
    for run in range(runs + 1):
        for name, prepare in prepared.items():
            work = prepare()
            start = perf_counter()
            done = work()
            took = perf_counter() - start
            if run:
                found[name].append(done / took)
    return found


def spread(values: list[float]) -> dict[str, float]:
    """The median run, with the smallest and the largest."""
    return {name: float(f"{f(values):.4g}") for name, f in (("median", np.median), ("least", min), ("most", max))}
