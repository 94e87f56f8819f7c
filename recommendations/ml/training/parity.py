"""That what is served equals what was trained: the artifact against the independent torch scorer."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from ..scorer import Scorer
from ..sequences import History
from .reference import ReferenceScorer

# Removals tried for each history: the batch sizes in which explanations are computed.
REMOVALS = 15
# A "because" is claimed only when scores differ by this many times the largest difference seen.
SAFETY = 10
# Share of the range of scores by which rounding never makes them differ: what does is another network.
MOST_APART = 1e-3


def check_parity(directory: Path, histories: Sequence[History], report: Callable[[float], None]) -> dict:
    """The largest difference of f between the paths, alone and in batches of a history and its removals, and eps.

    Raises ArithmeticError for scores that are no numbers, or not those of the trained network.
    """
    scorer, reference = Scorer.open(directory), ReferenceScorer.open(directory)
    largest = {"alone": 0.0, "in_batch": 0.0}
    compared, widest = 0, 0.0
    for done, history in enumerate(histories):
        variants = [history, *(history.without(item) for item in history.units()[:REMOVALS])]
        variants = [variant for variant in variants if len(variant)]
        expected = np.stack([reference.scores(variant) for variant in variants])[:, 1:]
        alone = scorer.scores(variants[:1])[:, 1:]
        together = scorer.scores(variants)[:, 1:]
        if not np.isfinite(together).all():
            raise ArithmeticError("the exported network gives scores that are no numbers; lower the rate and retrain")
        largest["alone"] = max(largest["alone"], float(np.abs(alone - expected[:1]).max()))
        largest["in_batch"] = max(largest["in_batch"], float(np.abs(together - expected).max()))
        compared, widest = compared + len(variants), max(widest, float(np.ptp(expected, axis=1).max()))
        report((done + 1) / len(histories))
    if (apart := max(largest.values())) > MOST_APART * widest:
        raise ArithmeticError(
            f"scores of the exported network differ by {apart:.2g} from those of the trained one, expected at most "
            f"{MOST_APART * widest:.2g}; try the versions of onnx and onnxruntime in constraints.txt"
        )
    eps = max(SAFETY * max(largest.values()), 1e-6)
    return {"histories": compared, "largest_difference": largest, "eps": eps}
