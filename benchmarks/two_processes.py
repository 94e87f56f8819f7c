"""What a second process saves a fit, and whether its lists are as good.

`python -m benchmarks.two_processes --data FILE --json OUT`; FILE as leave-one-out reads it (benchmarks/protocols.py).
The same fit is made by one process and by two, which torchrun starts, one thread each; NDCG@10 as served and of the
network alone, asked of the full catalog. Seconds are of the fit (with the SVD); processes: CPU seconds of each, the
helper's from its first word to its last. On a machine that others use too, wall seconds tell of them.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time

from benchmarks.timed_fit import Fit, measure
from recommendations.ml.training.helping import help_fits
from recommendations.ml.training.together import joined


def fit_of(processes: int, data: str, steps: int | None) -> dict:
    """One fit by so many processes: its figures."""
    with TemporaryDirectory() as name:
        torchrun = ["-m", "torch.distributed.run", "--nproc_per_node", str(processes)]
        worker = ["-m", "benchmarks.two_processes", "--data", data, "--into", name]
        worker += [] if steps is None else ["--steps", str(steps)]
        subprocess.run(
            [sys.executable, *torchrun, *worker], check=True, env=os.environ | {"OMP_NUM_THREADS": "1"}, timeout=86_400
        )
        told = [json.loads((Path(name) / f"{rank}.json").read_text()) for rank in range(processes)]
    wall, cpu = told[0]["stages"]["fit"]
    each = [cpu, *(helper["cpu_seconds"] for helper in told[1:])]
    figures = {name: told[0][name] for name in ("steps", "ndcg@10", "network_ndcg@10")}
    return figures | {"wall_seconds": wall, "cpu_seconds": sum(each), "processes": each}


def work(options: argparse.Namespace) -> None:
    """The part of one process, whose figures it leaves in the folder `into`."""
    with joined() as team:
        if team.rank == 0:
            found = measure(Fit(options.data, artifact=False, steps=options.steps))
        else:
            before = process_time()
            help_fits(team)
            found = {"cpu_seconds": process_time() - before}
    (options.into / f"{team.rank}.json").write_text(json.dumps(found))


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, metavar="FILE")
    parser.add_argument("--steps", type=int, help="if not as many as a training takes")
    parser.add_argument("--json", type=Path, metavar="OUT")
    parser.add_argument("--into", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.into:
        work(options)
        return
    found: dict = {"data": Path(options.data).name}
    found |= {str(processes): fit_of(processes, options.data, options.steps) for processes in (1, 2)}
    found["times_faster"] = found["1"]["wall_seconds"] / found["2"]["wall_seconds"]
    text = json.dumps(found, indent=1)
    print(text)
    if options.json:
        options.json.write_text(text)


if __name__ == "__main__":
    main()
