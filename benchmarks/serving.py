"""What a list costs: in this process and over HTTP, in time, memory and queries, with weights by chance.

`DATABASE_URL=postgres://... python -m benchmarks.serving --products 100000 --history 50 --json OUT` makes a database of
its own. Visitors have `--history` events about 16 or 50 distinct products, lists have ten.

- recommend_ms, with_reasons_ms: one list in process, queries excluded: what its thread took of the processor, so that
  what else runs is not counted. "parts" has the queries and the whole by the clock beside.
- http: requests a second of one gunicorn worker of one thread, asked by four clients at once; taken in turn with
  the floor, a view that runs the same queries (of the ORM) and serialises the same cards; written_floor is that
  with the statements that we write once, so without the gain from that. p99_ms is that of the list endpoint
  at half of its peak, from when each request was due; the largest of the three kinds of list. worker_ms is what the
  worker took of the processor for a request, which what else runs on the machine changes less.
- worker_private_mib, without_app_mib: memory that a worker of two shares with nobody, after 300 requests.
- selects: of our tables, the most of a request.
"""

import argparse
import os
from pathlib import Path
from tempfile import TemporaryDirectory

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from benchmarks.speed.clock import spread
from benchmarks.speed.database import new_database
from benchmarks.speed.server import Ask, gunicorn, most, paced, private_mib, processor_seconds
from benchmarks.telling import tell

LISTS = "/recommendations/v1/lists/?placement=home"
FLOORS = ("floor", "written_floor")
KINDS = (*FLOORS, "recommend", "with_reasons_16", "with_reasons_50")


def measure(options: argparse.Namespace, database: str, folder: Path) -> dict[str, object]:
    """All figures of one catalog."""
    from benchmarks.speed import inside
    from benchmarks.speed.client import make_client
    from benchmarks.speed.shop import open_shop, visitors

    open_shop(options.products, folder / "made")
    known = {k: visitors(100, max(options.history, k), k, options.products) for k in (16, 50)}
    parts = {
        "recommend": _runs(options, known[50], False),
        **{str(k): _runs(options, known[k], True) for k in known},
    }
    selects = inside.selects(make_client(), LISTS, [*known[16], *known[50]])
    report: dict[str, object] = {
        "products": options.products,
        "history": options.history,
        "recommend_ms": _median(parts["recommend"], "own"),
        "with_reasons_ms": {str(k): _median(parts[str(k)], "own") for k in known},
        "selects": selects,
        "parts": {name: {part: _median(runs, part) for part in runs[0]} for name, runs in parts.items()},
        "spreads": {
            name: {p: spread([run["own"][p] for run in runs]) for p in ("p50", "p99")} for name, runs in parts.items()
        },
    }
    asks = _asks(known)
    if options.seconds:
        report["http"] = over_http(database, asks, options.runs, options.seconds)
    return report | memory(database, asks)


def over_http(database: str, asks: dict[str, list[Ask]], runs: int, seconds: float) -> dict[str, object]:
    """Peak rates in turn, then the endpoint at half of each of its peaks."""
    rates: dict[str, list[float]] = {kind: [] for kind in asks}
    took: dict[str, list[float]] = {kind: [] for kind in asks}
    with gunicorn(database) as (worker,):
        for run in range(runs + 1):
            for kind, asked in asks.items():
                before = processor_seconds(worker)
                rate, answered = most(asked, seconds if run else 1)
                if run:
                    rates[kind].append(rate)
                    took[kind].append((processor_seconds(worker) - before) / answered * 1e3)
        peak = {kind: float(np.median(rates[kind])) for kind in asks}
        late = {kind: paced(asks[kind], peak[kind] / 2, 2 * seconds) for kind in asks}
    p99 = {kind: round(float(np.percentile(late[kind], 99)) * 1e3, 1) for kind in asks}
    return {
        **{f"{kind}_rps": round(rate, 1) for kind, rate in peak.items()},
        "p99_ms": max(p99[kind] for kind in KINDS[2:]),
        "p99_ms_each": p99,
        "of_the_floor": {kind: spread(_over(rates[kind], rates["floor"])) for kind in KINDS[2:]},
        "of_the_written_floor": {kind: spread(_over(rates[kind], rates["written_floor"])) for kind in KINDS[2:]},
        "worker_ms": {kind: spread(took[kind]) for kind in KINDS},
        "of_the_floor_on_the_processor": {kind: spread(_over(took["floor"], took[kind])) for kind in KINDS[2:]},
    }


def _over(values: list[float], others: list[float]) -> list[float]:
    return [value / other for value, other in zip(values, others, strict=True)]


def memory(database: str, asks: dict[str, list[Ask]]) -> dict[str, float]:
    """The larger of two workers with the app, and of two without."""
    found = {}
    plain = [("/plain/", "")] * 300
    for name, environment, asked in (
        ("worker_private_mib", {}, asks["with_reasons_16"] * 3),
        ("without_app_mib", {"BENCHMARK_WITHOUT_APP": "1"}, plain),
    ):
        with gunicorn(database, workers=2, **environment) as workers:
            paced(asked[:300], 60, 5)
            found[name] = round(max(map(private_mib, workers)), 1)
    return found


def _asks(known: dict[int, dict[str, object]]) -> dict[str, list[Ask]]:
    cookies = {k: [f"recommendations_shopper={name}" for name in named] for k, named in known.items()}
    # The floor asks for as many cards as a list without reasons does.
    asked = "?products=" + ",".join(str(k) for k in range(1, 21))
    floors = (f"/peers/lists/{asked}", f"/peers/written/{asked}")
    paths = dict(zip(KINDS, (*floors, "/unexplained/", LISTS, LISTS), strict=True))
    return {kind: [(path, name) for name in cookies[16 if kind.endswith("16") else 50]] for kind, path in paths.items()}


def _runs(options: argparse.Namespace, known: dict[str, object], explains: bool) -> list[dict[str, dict[str, float]]]:
    from benchmarks.speed.inside import lists

    return [lists(known.values(), options.calls, explains) for _ in range(options.runs)]


def _median(runs: list[dict[str, dict[str, float]]], part: str) -> dict[str, float]:
    return {p: round(float(np.median([run[part][p] for run in runs])), 2) for p in ("p50", "p99")}


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--products", type=int, default=100_000)
    parser.add_argument("--history", type=int, default=50, help="events of a visitor")
    parser.add_argument("--calls", type=int, default=500, help="lists of a run in process")
    parser.add_argument("--seconds", type=float, default=5, help="of each peak over HTTP; 0 leaves HTTP out")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", type=Path, metavar="OUT")
    options = parser.parse_args(arguments)
    with TemporaryDirectory() as name:
        os.environ["BENCHMARK_ARTIFACTS"] = str(Path(name) / "artifacts")
        with new_database() as database:
            report = measure(options, database, Path(name))
    tell(report, options.json)


if __name__ == "__main__":
    main()
