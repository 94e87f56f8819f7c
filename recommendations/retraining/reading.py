"""From the shop's rows to the arrays that training reads."""

from collections.abc import Callable, Iterator
from itertools import islice

import numpy as np

from ..ml.interactions import InteractionLog
from ..ml.vocabulary import Vocabulary
from ..models import Interaction, Product, Shopper

CHUNK = 50_000


def read_log(report: Callable[[float], None]) -> tuple[InteractionLog, Vocabulary]:
    """Every remembered event that training may use, and the products that have any.

    Streamed in chunks; `report(share done)` is called after each.
    """
    rows = _read_rows(report)  # (N, 4)
    shopper, product, kind, time = rows.T
    met, item = np.unique(product, return_inverse=True)  # ascending: the oldest product is item 1
    vocabulary = Vocabulary(_product_ids(met))
    return InteractionLog.from_rows(shopper, item + 1, kind, time), vocabulary


def _read_rows(report: Callable[[float], None]) -> np.ndarray:
    """int64 (N, 4): shopper, product, kind, epoch seconds."""
    last = Shopper.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    chunks = []
    for chunk in _chunks(Interaction.objects.for_training().rows(CHUNK)):
        chunks.append(chunk)
        report(chunk[-1, 0] / last)  # rows come by shopper: no COUNT is needed to know how far we are
    return np.concatenate(chunks) if chunks else np.zeros((0, 4), np.int64)


def _chunks(rows: Iterator[tuple[int, int, int, int]]) -> Iterator[np.ndarray]:
    while chunk := list(islice(rows, CHUNK)):
        yield np.array(chunk, np.int64)


def _product_ids(primary_keys: np.ndarray) -> list[str]:
    names = dict(Product.objects.vocabulary())
    return [names[key] for key in primary_keys.tolist()]
