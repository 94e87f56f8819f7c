"""How long we need to be as good as a peer was at its best, on one core, in one run.

`python -m benchmarks.training_speed --data FILE --peers rectools,implicit --json OUT`; FILE as leave-one-out reads it
(benchmarks/protocols.py). Peers are installed into an environment of their own on first use (benchmarks/peers).

- Everybody is asked the same: the full catalog without the history, ties against whoever ties, NDCG@10.
- A peer that learns in epochs is asked after each, until its budget is spent. Our rate decays over the planned steps,
  so that stopping early says nothing: we are fitted anew with growing shares of the steps that a training takes, and
  the smallest that is as good counts. Choosing by the asked shoppers favours peers as much as us.
- Seconds count from reading the file to being able to score; imports and answering do not count, nor does our artifact,
  which is in "file_to_artifact". "network" leaves out the next-item table and the search for the weights of the mix.
- Ratios are of CPU seconds, since wall seconds tell who else was busy on the machine; both are in the output.
- matmul_floor: CPU seconds of the fit over those that its matrix products alone would take. The rate of a matrix
  product is timed on the same core during the fit: its best time, and its median, which knows the load.
"""

import argparse
import json
import os
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.peers.asking import Budget, ask_peer, write_question
from benchmarks.peers.environment import python_of_peers
from benchmarks.protocols import ask
from benchmarks.timed_fit import Fit, alone

PEERS = {name: Path(__file__).parent / "peers" / f"{name}_fit.py" for name in ("rectools", "implicit")}
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
SHARES = "1/32,1/16,1/8,1/4,1/2,1"
TO_SCORES = {"served": ("read", "count", "fit", "choose weights"), "network": ("read", "count", "fit")}
QUALITY = {"served": "ndcg@10", "network": "network_ndcg@10"}


def point(fit: dict, form: str) -> dict:
    """One of our fits as served, or its network alone, as peers' points are written."""
    wall, cpu = np.sum([fit["stages"][name] for name in TO_SCORES[form]], axis=0)
    return {"steps": fit["steps"], "ndcg@10": fit[QUALITY[form]]} | seconds(wall, cpu)


def seconds(wall: float, cpu: float) -> dict[str, float]:
    """As they are written everywhere."""
    return {"wall_seconds": float(wall), "cpu_seconds": float(cpu)}


def cheapest(points: list[dict], needed: float) -> dict | None:
    """The point of the fewest CPU seconds that is as good as `needed`, if any is."""
    good = [found for found in points if found["ndcg@10"] >= needed]
    return min(good, key=lambda found: found["cpu_seconds"], default=None)


def beside(peer: dict, ours: dict[str, list[dict]]) -> dict:
    """A peer's point with our cheapest of each form that is as good, and how many times as long the peer took."""
    found = {form: cheapest(points, peer["ndcg@10"]) for form, points in ours.items()}
    ratios = {form: own and peer["cpu_seconds"] / own["cpu_seconds"] for form, own in found.items()}
    return peer | {"ours": found, "ratio": ratios}


def against(peer: dict, ours: dict[str, list[dict]]) -> dict:
    """A peer's answers: its best point beside ours, and all of its points."""
    curve = [beside(one, ours) for one in peer["points"]]
    best = max(curve, key=lambda one: one["ndcg@10"])
    about = {name: peer[name] for name in ("settings", "versions")}
    return {"ratio": best["ratio"], "best": best, "curve": curve} | about


def floor(fit: dict) -> dict:
    """How far the fit is from its matrix products alone."""
    best, median = max(fit["sgemm_gflops"]), float(np.median(fit["sgemm_gflops"]))
    spent, gflop = fit["stages"]["fit"][1], fit["flop"] / 1e9
    return {
        "gflop": gflop,
        "sgemm_gflops": {"best": best, "median": median},
        "floor_seconds": gflop / best,
        "fit_cpu_seconds": spent,
        "ratio": spent / (gflop / best),
        "ratio_at_median_rate": spent / (gflop / median),
    }


def report(fits: list[dict], peers: dict[str, dict]) -> dict:
    """What is printed; `fits` end with the one that a training makes."""
    ours = {form: [point(fit, form) for fit in fits] for form in TO_SCORES}
    whole = fits[-1]
    wall, cpu = np.sum(list(whole["stages"].values()), axis=0)
    return {
        "ours": {
            "curve": ours,
            "stages": {name: seconds(*both) for name, both in whole["stages"].items()},
            "file_to_artifact": seconds(wall, cpu),
        },
        "peers": {name: against(peer, ours) for name, peer in peers.items()},
        "ratio": {name: against(peer, ours)["ratio"]["served"] for name, peer in peers.items()},
        "matmul_floor": floor(whole),
        "peak_rss_mb": {"ours": whole["peak_rss_mb"]}
        | {name: max(one["peak_rss_mb"] for one in peer["points"]) for name, peer in peers.items()},
    }


def rounded(value):
    """Numbers with five significant digits, in whatever holds them."""
    if isinstance(value, dict):
        return {name: rounded(one) for name, one in value.items()}
    if isinstance(value, list):
        return [rounded(one) for one in value]
    return float(f"{value:.5g}") if isinstance(value, float) else value


def measured(options: argparse.Namespace) -> dict:
    """Ask the peers, fit ourselves, compare."""
    names = [name for name in options.peers.split(",") if name]
    python = options.peers_python or (python_of_peers() if names else None)
    question = ask(options.data, "leave-one-out", judged=options.judged)
    budget = Budget(options.peer_cpu_seconds, options.peer_wall_seconds, options.peer_epochs)
    with TemporaryDirectory() as name:
        file = Path(name) / "question.npz"
        write_question(question, file)
        peers = {peer: ask_peer(PEERS[peer], python, file, question.asked, budget) for peer in names}
    shares = sorted(float(Fraction(share)) for share in options.shares.split(","))
    how = {"seed": options.seed, "steps": options.steps, "judged": options.judged}
    fits = [alone(Fit(options.data, share, artifact=share == shares[-1], **how)) for share in shares]
    asked = {"data": Path(options.data).name, "shoppers": len(question.asked.asked), "seed": options.seed}
    return rounded(asked | {"peer_budget": vars(budget)} | report(fits, peers))


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, metavar="FILE")
    parser.add_argument("--peers", default=",".join(PEERS), help="some of them, separated by commas; may be empty")
    parser.add_argument("--peer-cpu-seconds", type=float, default=600, help="a peer begins no epoch after so many")
    parser.add_argument("--peer-wall-seconds", type=float, default=3_600, help="nor after so many")
    parser.add_argument("--peer-epochs", type=int, default=100, help="a peer takes no more")
    parser.add_argument("--peers-python", metavar="FILE", type=Path, help="an interpreter that has the peers already")
    parser.add_argument("--shares", default=SHARES, help="of the steps that a training takes")
    parser.add_argument("--steps", type=int, help="that a training takes, if not as many as it would")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--judged", type=int, default=6_000, help="shoppers who choose the weights of the mix")
    parser.add_argument("--json", type=Path, metavar="OUT")
    options = parser.parse_args(arguments)
    unknown = set(options.peers.split(",")) - {"", *PEERS}
    if unknown:
        parser.error(f"--peers: {', '.join(sorted(unknown))}: expected some of {', '.join(PEERS)}")
    os.environ |= dict.fromkeys(THREADS, "1")  # for the processes that measure
    text = json.dumps(measured(options), indent=1)
    print(text)
    if options.json:
        options.json.write_text(text)


if __name__ == "__main__":
    main()
