"""What importing and reading so many interactions costs in memory: each step in a process of its own.

`python -m benchmarks.speed.memory import FILE` and `... read` print {"rows", "mib", "idle_mib", "seconds"};
benchmarks.capture calls them.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter
from urllib.parse import urlsplit, urlunsplit

from benchmarks.speed.database import SETTINGS


def peak_mib() -> float:
    """The most that this process has held in memory so far."""
    with open("/proc/self/status") as file:
        line = next(line for line in file if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def peaks(sizes: list[int], products: list[int], folder: Path) -> dict[str, dict[str, dict[str, float]]]:
    """Rows -> step -> what it took; each size is imported into an empty table and read whole."""
    from django.db import connection

    from benchmarks.speed.made import CHUNK, EVENTS, Rows, empty, made_rows, write_csv

    def chunks(rows: int) -> Iterator[Rows]:
        for start in range(0, rows, CHUNK):
            yield made_rows(min(CHUNK, rows - start), products, first_shopper=start // EVENTS)

    found = {}
    for rows in sizes:
        empty(shoppers_too=True)
        write_csv(chunks(rows), folder / "many.csv")
        database = connection.settings_dict["NAME"]
        found[str(rows)] = {
            "import": _in_a_process(database, "import", folder / "many.csv"),
            "read": _in_a_process(database, "read"),
        }
    return found


def slope(found: dict[str, dict[str, dict[str, float]]]) -> dict[str, float]:
    """MiB a million rows between the smallest and the largest size, by step."""
    sizes = sorted(map(int, found))
    least, most = sizes[0], sizes[-1]
    return {
        step: round((found[str(most)][step]["mib"] - found[str(least)][step]["mib"]) / (most - least) * 1e6, 1)
        for step in ("import", "read")
        if most > least
    }


def _in_a_process(database: str, *arguments: str | Path) -> dict[str, float]:
    url = urlsplit(os.environ["DATABASE_URL"])
    environment = {
        **os.environ,
        "DATABASE_URL": urlunsplit(url._replace(path=f"/{database}")),
        "DJANGO_SETTINGS_MODULE": SETTINGS,
    }
    command = [sys.executable, "-m", "benchmarks.speed.memory", *map(str, arguments)]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def main() -> None:
    import django

    django.setup()
    from recommendations.capture import import_interactions
    from recommendations.retraining.reading import read_log

    steps: dict[str, Callable[[], int]] = {
        "import": lambda: import_interactions(sys.argv[2]).added,
        "read": lambda: len(read_log(lambda share: None).log),
    }
    idle, start = peak_mib(), perf_counter()
    rows = steps[sys.argv[1]]()
    seconds = round(perf_counter() - start, 1)
    print(json.dumps({"rows": rows, "mib": round(peak_mib()), "idle_mib": round(idle), "seconds": seconds}))


if __name__ == "__main__":
    main()
