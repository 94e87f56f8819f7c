"""How fast interactions get in and out on PostgreSQL, durable, beside the least that could do it.

`DATABASE_URL=postgres://... python -m benchmarks.capture --rows 100000 --json OUT` makes a database of its own and
drops it. Each figure is the median of several runs taken in turn, after one that does not count:

- copy_rows_s: raw COPY of prepared text into the empty table of interactions, with its indexes and foreign keys;
- import_rows_s: import_interactions of the same rows from a CSV file, shoppers not known yet;
- bulk_create_rows_s: bulk_create(ignore_conflicts=True) of the same rows, 500 a transaction;
- batch_rows_s: the same rows as batches of 500 to the endpoint, of a logged-in user with the permission;
- cursor_rows_s: a server-side cursor over the columns that training reads, in any order;
- read_rows_s: what training reads, as the arrays that it trains on;
- beacon_ratio: time of one beacon event over that of a view with the same lookup and one committed INSERT.

`--memory 1000000 2000000` adds the peak memory of importing and reading so many rows, each in its own process.
"""

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.speed.clock import spread
from benchmarks.speed.database import new_database
from benchmarks.telling import tell

RATIOS = {
    "import_over_copy": ("import_rows_s", "copy_rows_s"),
    "batch_over_bulk_create": ("batch_rows_s", "bulk_create_rows_s"),
    "read_over_cursor": ("read_rows_s", "cursor_rows_s"),
    "beacon_ratio": ("peer_events_s", "beacon_events_s"),
}


def measure(rows: int, products: list[int], runs: int, beacons: int, folder: Path) -> dict[str, object]:
    """All speeds, their spread and the ratios of each run; `products` are in the mirror."""
    from benchmarks.speed import capturing
    from benchmarks.speed.made import made_rows

    made = made_rows(rows, products)
    found = capturing.into_the_table(made, folder, runs)
    found |= capturing.over_http(made, min(rows, 20_000), runs)
    found |= capturing.out_of_the_table(made, runs)
    found |= capturing.one_by_one(made, beacons, runs)
    ratios = {name: [a / b for a, b in zip(*(found[key] for key in two), strict=True)] for name, two in RATIOS.items()}
    return {
        "rows": rows,
        "products": len(products),
        "runs": runs,
        **{name: round(float(np.median(values))) for name, values in found.items()},
        "beacon_ratio": round(float(np.median(ratios["beacon_ratio"])), 3),
        "ratios": {name: spread(values) for name, values in ratios.items()},
        "spreads": {name: spread(values) for name, values in found.items()},
    }


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--products", type=int, default=100_000)
    parser.add_argument("--beacons", type=int, default=500, help="beacon events of a run")
    parser.add_argument("--runs", type=int, default=5, help="0: only what --memory asks for")
    parser.add_argument("--memory", type=int, nargs="+", default=[], metavar="ROWS")
    parser.add_argument("--json", type=Path, metavar="OUT")
    options = parser.parse_args(arguments)
    with new_database(), TemporaryDirectory() as name:
        report = _report(options, Path(name))
    tell(report, options.json)


def _report(options: argparse.Namespace, folder: Path) -> dict[str, object]:
    from benchmarks.speed.made import make_products
    from benchmarks.speed.memory import peaks, slope

    products = make_products(options.products)
    report = measure(options.rows, products, options.runs, options.beacons, folder) if options.runs else {}
    if options.memory:
        report["memory"] = peaks(options.memory, products, folder)
        report["mib_a_million_rows"] = slope(report["memory"])
    return report


if __name__ == "__main__":
    main()
