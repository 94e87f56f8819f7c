"""From the shop's rows to the arrays that training reads."""

from collections.abc import Callable

import numpy as np

from ..ml.interactions import InteractionLog
from ..ml.vocabulary import Vocabulary
from ..models import Interaction, Product, Shopper

# Shoppers whose events are read by one query.
AT_ONCE = 1_000


def read_log(report: Callable[[float], None]) -> tuple[InteractionLog, Vocabulary]:
    """Every remembered event that training may use, and the products that have any.

    Read in parts; `report(share done)` is called after each.
    """
    rows = _read_rows(report)  # (N, 4)
    shopper, product, kind, time = rows.T
    met, item = np.unique(product, return_inverse=True)  # ascending: the oldest product is item 1
    vocabulary = Vocabulary(_product_ids(met))
    return InteractionLog.from_rows(shopper, item + 1, kind, time), vocabulary


def _read_rows(report: Callable[[float], None]) -> np.ndarray:
    """int64 (N, 4): shopper, product, kind, epoch seconds."""
    shoppers = list(Shopper.objects.order_by("pk").values_list("pk", flat=True))
    chunks = [np.zeros((0, 4), np.int64)]
    for start in range(0, len(shoppers), AT_ONCE):
        some = shoppers[start : start + AT_ONCE]
        events = Interaction.objects.for_training().filter(shopper_id__gte=some[0], shopper_id__lte=some[-1])
        # Read to the end before anything is reported: on SQLite a report, which writes, fails beside an open read as
        # soon as the heartbeat has written too.
        chunks.append(np.array(list(events.rows()), np.int64).reshape(-1, 4))
        report((start + len(some)) / len(shoppers))
    return np.concatenate(chunks)


def _product_ids(primary_keys: np.ndarray) -> list[str]:
    names = dict(Product.objects.vocabulary())
    return [names[key] for key in primary_keys.tolist()]
