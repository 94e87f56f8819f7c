"""The list's scores with one part of the input or of the score taken away."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from ...ml.kinds import NEUTRAL
from ...ml.ranking import Parts
from ..inspection import Inspection


@dataclass(frozen=True)
class Change:
    """What taking it away does to one shown product."""

    product_id: str
    title: str
    score: float  # difference of f
    place_before: int  # in the pool
    place_after: int


@dataclass(frozen=True)
class Ablation:
    """`part` is "kinds" (what was done reads as the trained "unknown"), or what says nothing: "table", "repeats"."""

    part: str
    changes: tuple[Change, ...]


def ablations(inspection: Inspection) -> tuple[Ablation, ...]:
    """One for each part that can be taken away; none when the recommender ranked nothing that is shown."""
    if not inspection.ranked:
        return ()
    pool = inspection.pool
    scored = {part: pool.loaded.scorer.score.mixed(parts, pool.items)[0] for part, parts in _ablated(inspection)}
    return tuple(Ablation(part, _changes(inspection, scores)) for part, scores in scored.items())


def _ablated(inspection: Inspection) -> Iterator[tuple[str, Parts]]:
    pool, scorer = inspection.pool, inspection.pool.loaded.scorer
    whole = scorer.score.parts(inspection.reading, [pool.history], pool.items)
    unknown = replace(pool.history, kinds=np.full_like(pool.history.kinds, NEUTRAL))
    reading = scorer.encode([unknown])
    yield "kinds", replace(whole, network=scorer.score.parts(reading, [unknown], pool.items).network)
    yield "table", replace(whole, table=np.zeros_like(whole.table))
    yield "repeats", replace(whole, repeats=np.zeros_like(whole.repeats))


def _changes(inspection: Inspection, scores: np.ndarray) -> tuple[Change, ...]:
    return tuple(
        Change(
            product_id=entry.card.product_id,
            title=entry.card.title,
            score=float(scores[column] - inspection.pool.scores[column]),
            place_before=column + 1,
            place_after=int(np.count_nonzero(scores > scores[column])) + 1,
        )
        for entry, column in inspection.ranked
    )
