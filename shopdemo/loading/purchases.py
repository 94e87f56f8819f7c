"""The year's purchases as interactions: the one place that hands rows to the recommendations."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import numpy as np
import pandas as pd

from recommendations.capture.importing import Batch, import_rows

CHUNK = 50_000


def store_purchases(
    lines: pd.DataFrame, product_ids: dict[str, str], shift: timedelta, report: Callable[[int, int], None]
) -> int:
    """Store every line as a purchase of its household's shopper, `shift` later; a repeated call adds nothing twice."""
    report(0, len(lines))
    import_rows(_batches(lines, product_ids, shift), lambda done: report(done, len(lines)))
    return len(lines)


def _batches(lines: pd.DataFrame, product_ids: dict[str, str], shift: timedelta) -> Iterator[Batch]:
    seconds = (lines.bought_at + shift).to_numpy().astype("datetime64[s]").astype(np.int64)
    for start in range(0, len(lines), CHUNK):
        part = lines.iloc[start : start + CHUNK]
        yield Batch(
            shopper=("household-" + part.household.astype(str)).tolist(),
            product=[product_ids[name] for name in part.name],
            time=seconds[start : start + CHUNK],
            quantity=part.quantity.to_numpy(),
        )
