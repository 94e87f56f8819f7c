"""The year's purchases as interactions: the one place that hands rows to the recommendations."""

from collections.abc import Callable, Iterator
from datetime import UTC, timedelta
from typing import Any

import numpy as np
import pandas as pd
from django.db import connection

from recommendations.ml.kinds import Kind
from recommendations.models import Interaction, Shopper
from recommendations.models import Product as MirroredProduct

CHUNK = 50_000
COLUMNS = ("shopper_id", "product_id", "kind", "source", "quantity", "query", "occurred_at", "event_key")


def store_purchases(
    lines: pd.DataFrame, product_ids: dict[str, str], shift: timedelta, report: Callable[[int, int], None]
) -> int:
    """Store every line as a purchase of its household's shopper, `shift` later; a repeated call adds nothing twice.

    Written in SQL: a year of a supermarket is a third of a minute this way and more than one as model instances.
    """
    shoppers = _shoppers(lines.household.unique())
    mirrored = {product_id: pk for pk, product_id in MirroredProduct.objects.vocabulary()}
    product_of = {name: mirrored[product_id] for name, product_id in product_ids.items()}
    insert = (
        f"INSERT INTO {Interaction._meta.db_table} ({', '.join(COLUMNS)}) "  # noqa: S608 - names of our own columns
        f"VALUES ({', '.join(['%s'] * len(COLUMNS))}) ON CONFLICT DO NOTHING"
    )
    report(0, len(lines))
    with connection.cursor() as cursor:
        for start in range(0, len(lines), CHUNK):
            chunk = lines.iloc[start : start + CHUNK]
            cursor.executemany(insert, _rows(chunk, shoppers, product_of, shift))
            report(min(start + CHUNK, len(lines)), len(lines))
    return len(lines)


def _shoppers(households: np.ndarray) -> dict[int, int]:
    wanted = {int(number): f"household-{number}" for number in households}
    Shopper.objects.bulk_create(
        [Shopper(external_id=key) for key in wanted.values()], batch_size=1_000, ignore_conflicts=True
    )
    stored = dict(Shopper.objects.filter(external_id__startswith="household-").values_list("external_id", "pk"))
    return {number: stored[key] for number, key in wanted.items()}


def _rows(
    chunk: pd.DataFrame, shoppers: dict[int, int], product_of: dict[str, int], shift: timedelta
) -> Iterator[tuple[Any, ...]]:
    adapt = connection.ops.adapt_datetimefield_value
    times = {time: adapt((time + shift).to_pydatetime().replace(tzinfo=UTC)) for time in chunk.bought_at.unique()}
    seconds = chunk.bought_at.to_numpy().astype("datetime64[s]").astype(np.int64).tolist()
    lines = zip(chunk.household, chunk.name, chunk.quantity.tolist(), chunk.bought_at, seconds, strict=True)
    for household, name, quantity, time, second in lines:
        product = product_of[name]
        # One product of one basket: unique within its shopper, and the same at every import.
        event_key = second << 24 | product
        yield (
            shoppers[household], product, int(Kind.PURCHASE), int(Interaction.Source.IMPORT),
            quantity, "", times[time], event_key,
        )  # fmt: skip
