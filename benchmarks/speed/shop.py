"""A shop of so many products with a published recommender, and visitors with a history of so many events."""

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import numpy as np
from django.db import connection
from django.utils import timezone

from recommendations.ml.kinds import Kind
from recommendations.models import Interaction, RecommenderVersion, Shopper
from recommendations.models.inserting import NewInteractions
from recommendations.models.shopper import hash_key
from recommendations.publishing import forget, publish, upload

PRODUCTS = (
    "INSERT INTO {table} (id, {columns}) SELECT k, {values} FROM generate_series(1, %s) AS k",
    {
        "shop_book": {
            "name": "'Product ' || k",
            "shelf": "'Shelf ' || k %% 500",
            "publisher": "'Brand ' || k %% 200",
            "price": "9.99",
            "in_stock": "true",
            "members_only": "false",
        },
        "recommendations_product": {
            "product_id": "k::text",
            "title": "'Product ' || k",
            "category": "jsonb_build_array('Books', 'Shelf ' || k %% 500)",
            "brand": "'Brand ' || k %% 200",
            "attributes": "'{}'::jsonb",
            "available": "true",
            "created_at": "now()",
            "updated_at": "now() - interval '1 day'",
        },
    },
)


def open_shop(products: int, folder: Path) -> None:
    """Fill the tables and publish a recommender of weights by chance; it is made by a process that ends."""
    insert, tables = PRODUCTS
    with connection.cursor() as cursor:
        for table, columns in tables.items():
            names, values = ", ".join(columns), ", ".join(columns.values())
            cursor.execute(insert.format(table=table, columns=names, values=values), [products])
    folder.mkdir()
    making = "from pathlib import Path; from benchmarks.explaining_speed import made_recommender"
    command = f"{making}; made_recommender({products}, Path({str(folder)!r}))"
    subprocess.run([sys.executable, "-c", command], check=True)
    version = RecommenderVersion.objects.create(status="training")
    upload(version, folder)
    publish(version)
    forget()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def visitors(count: int, events: int, distinct: int, products: int, seed: int = 0) -> dict[str, Shopper]:
    """Cookie -> visitor with so many events about so many distinct products, views and purchases."""
    rng, now = np.random.default_rng(seed), timezone.now()
    made = {f"{distinct}-{k}": Shopper(key_hash=hash_key(f"{distinct}-{k}")) for k in range(count)}
    Shopper.objects.bulk_create(made.values())
    for shopper in made.values():
        met = rng.choice(products, distinct, replace=False) + 1
        read = rng.permutation(np.concatenate((met, rng.choice(met, max(events - distinct, 0)))))[:events].tolist()
        Interaction.objects.insert_new(
            NewInteractions(
                shopper_id=[shopper.pk] * len(read),
                product_id=read,
                kind=rng.choice([Kind.VIEW, Kind.PURCHASE], len(read), p=[0.8, 0.2]).tolist(),
                source=[int(Interaction.Source.SERVER)] * len(read),
                quantity=[1] * len(read),
                query=[""] * len(read),
                occurred_at=[now - timedelta(hours=len(read) - k) for k in range(len(read))],
                list_id=[None] * len(read),
                event_key=list(range(len(read))),
            )
        )
    return made
