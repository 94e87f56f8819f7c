"""What a second process saves a fit, and whether its lists are as good.

`python -m benchmarks.two_processes --data FILE --json OUT`; FILE as leave-one-out reads it (benchmarks/protocols.py),
or made:ROWS:PRODUCTS for the made shop of benchmarks.many_rows, of which nothing is asked.

The same fit is made by one process and by two, which torchrun starts, one thread each; NDCG@10 as served and of the
network alone, asked of the full catalog. Seconds are of the fit (with the SVD); processes: CPU seconds of each, the
helper's from its first word to its last. On a machine that others use too, wall seconds tell of them; could_be_faster
tells how many times faster it would be if nobody waited: one process's CPU seconds over those of the busier of two.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time

from benchmarks.many_rows import made_log
from benchmarks.telling import tell
from benchmarks.timed_fit import Fit, Stages, measure
from recommendations.ml.training.fit import fit
from recommendations.ml.training.helping import help_fits
from recommendations.ml.training.settings import TrainingSettings, plan
from recommendations.ml.training.tables import build_tables
from recommendations.ml.training.together import joined


def fit_of(processes: int, data: str, steps: int | None) -> dict:
    """One fit by so many processes: its figures."""
    with TemporaryDirectory() as name:
        torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", str(processes)]
        worker = ["-m", "benchmarks.two_processes", "--data", data, "--into", name]
        worker += [] if steps is None else ["--steps", str(steps)]
        subprocess.run(
            [sys.executable, *torchrun, *worker], check=True, env=os.environ | {"OMP_NUM_THREADS": "1"}, timeout=86_400
        )
        told = [json.loads((Path(name) / f"{rank}.json").read_text()) for rank in range(processes)]
    wall, cpu = told[0]["stages"]["fit"]
    each = [cpu, *(helper["cpu_seconds"] for helper in told[1:])]
    figures = {name: told[0][name] for name in ("steps", "ndcg@10", "network_ndcg@10") if name in told[0]}
    return figures | {"wall_seconds": wall, "cpu_seconds": sum(each), "processes": each}


def work(options: argparse.Namespace) -> None:
    """The part of one process, whose figures it leaves in the folder `into`."""
    with joined() as team:
        if team.rank == 0:
            made = options.data.startswith("made:")
            found = (measure_made if made else measure)(Fit(options.data, artifact=False, steps=options.steps))
        else:
            before = process_time()
            help_fits(team)
            found = {"cpu_seconds": process_time() - before}
    (options.into / f"{team.rank}.json").write_text(json.dumps(found))


def measure_made(asked: Fit) -> dict:
    """The seconds of a fit of a made shop."""
    rows, products = (int(number) for number in asked.data.split(":")[1:])
    log = made_log(rows, products)
    tables = build_tables(log, products, int(log.time.max()) + 1)
    chosen = plan(len(log), products, TrainingSettings())
    steps, stages = asked.steps or chosen.steps, Stages()
    fit(log, tables, steps, chosen.fit, lambda share: None)
    stages.ended("fit")
    return {"steps": steps, "stages": stages.seconds}


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
    found["could_be_faster"] = found["1"]["cpu_seconds"] / max(found["2"]["processes"])
    tell(found, options.json)


if __name__ == "__main__":
    main()
