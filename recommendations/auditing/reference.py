"""One version as the audit reads it: torch weights, and what anybody can buy now."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from django.db.models import Max
from django.utils import timezone

from ..catalog import catalogs_of, find_cards
from ..conf import get_config
from ..exceptions import NotConfigured
from ..ml.artifact import FILES, MANIFEST
from ..ml.kinds import SEQUENCE_KINDS
from ..ml.newcomers import Newcomer
from ..models import Interaction, Product, ProductPopularity, RecommenderVersion, RemovedProduct, Shopper
from ..publishing.artifacts import get_storage
from .buyers import Buyers

CARDS_AT_ONCE = 500


class Reference:
    """One version's torch scorer, and what anybody can buy and read of its items now."""

    def __init__(self, scorer: Any) -> None:
        self.scorer = scorer
        self.vocabulary = scorer.vocabulary
        rows = list(Product.objects.order_by("pk").values_list("pk", "product_id", "available", "category"))
        self.product_ids = {pk: product_id for pk, product_id, _, _ in rows}
        self.available = [product_id for _, product_id, available, _ in rows if available]
        self.buyable = buyable(self.available)
        sensitive = set(get_config().SENSITIVE_CATEGORIES)
        self.categories = {product_id: tuple(category) for _, product_id, _, category in rows}
        self.sensitive = {product_id for _, product_id, _, category in rows if sensitive & set(category)}
        self.popular = self._popular()
        self._of_model: dict[str, set[str]] = {}

    @classmethod
    def of_files(cls, directory: Path | str) -> "Reference":
        """The artifact in `directory`, its files checked. Raises NotConfigured without torch."""
        return cls(_torch_scorer().open(directory))

    @classmethod
    @contextmanager
    def opened(cls, version: RecommenderVersion, newcomers: Sequence[Newcomer] = ()) -> Iterator["Reference"]:
        """The version's own files, copied out of the storage and checked, with products that it serves beside those
        it was trained on. Raises NotConfigured without torch.
        """
        reading = _torch_scorer()
        with TemporaryDirectory(prefix="recommender-audit-") as directory:
            for file in (*FILES, MANIFEST):
                with get_storage().open(f"{version.artifact}/{file}") as stored:
                    (Path(directory) / file).write_bytes(stored.read())
            scorer = reading.open(directory)
            scorer.take_in(newcomers)
            yield cls(scorer)

    def mask(self, product_ids: Sequence[str] | set[str]) -> np.ndarray:
        """bool (n+1): these products' items."""
        mask = np.zeros(len(self.vocabulary) + 1, bool)
        mask[self.vocabulary.numbers(product_ids)] = True
        mask[0] = False
        return mask

    def of_model(self, name: str) -> set[str]:
        """The product_ids of one registered model."""
        if name not in self._of_model:
            every = list(self.product_ids.values())
            owners = zip(every, catalogs_of(every), strict=True)
            self._of_model[name] = {product_id for product_id, owner in owners if owner and owner.name == name}
        return self._of_model[name]

    @cached_property
    def available_mask(self) -> np.ndarray:
        return self.mask(self.available)

    @cached_property
    def buyable_mask(self) -> np.ndarray:
        return self.mask(self.buyable)

    @cached_property
    def shoppers_this_week(self) -> dict[str, int]:
        """product_id -> its shoppers in the seven days before they were last counted, counted again from the log."""
        counted_at = ProductPopularity.objects.aggregate(last=Max("counted_at"))["last"]
        if counted_at is None or timezone.now() - counted_at > timedelta(days=1):
            return {}  # nothing counted so long ago may be called this week's
        removals = RemovedProduct.objects.filter(product__isnull=False, removed_at__lte=counted_at)
        removals = removals.order_by("removed_at")
        removed = {(row[0], row[1]): row[2] for row in removals.values_list("shopper", "product", "removed_at")}
        silent = set(Shopper.objects.filter(personalised=False).values_list("pk", flat=True))
        rows = Interaction.objects.exclude(source=Interaction.Source.BEACON).filter(
            occurred_at__gt=counted_at - timedelta(days=7), occurred_at__lte=counted_at, kind__in=SEQUENCE_KINDS
        )
        pairs = {
            (product, shopper)
            for shopper, product, at in rows.values_list("shopper", "product", "occurred_at").iterator()
            if shopper not in silent and ((shopper, product) not in removed or at > removed[shopper, product])
        }
        return Counter(self.product_ids[product] for product, _ in pairs)

    @cached_property
    def buyers(self) -> Buyers:
        """Who bought what in the half year before what is bought together was counted."""
        return Buyers.read(self.product_ids)

    def _popular(self) -> list[str]:
        """What a stranger sees, best first: this week's, then all times', then new products, the newest first."""
        counts = {
            row["product_id"]: (-row["recent_shoppers"], -row["shoppers"], row["product_id"])
            for row in ProductPopularity.objects.values("product_id", "recent_shoppers", "shoppers")
        }
        counted = sorted(counts, key=counts.__getitem__)
        new = sorted(set(self.product_ids) - set(counted), reverse=True)
        return [name for name in map(self.product_ids.__getitem__, (*counted, *new)) if name in self.buyable]


def _torch_scorer() -> Any:
    """The class that scores in torch, on one thread."""
    try:
        from ..ml.training.reference import ReferenceScorer, use_one_thread
    except ModuleNotFoundError as error:
        raise NotConfigured(
            f"The audit computes scores with torch, and {error.name} is not installed: "
            'pip install "django-because[training]" where it runs.'
        ) from error
    use_one_thread()
    return ReferenceScorer


def buyable(product_ids: Sequence[str]) -> set[str]:
    """Those that anybody can buy now, by the shop's own word."""
    parts = (product_ids[start : start + CARDS_AT_ONCE] for start in range(0, len(product_ids), CARDS_AT_ONCE))
    return {product_id for part in parts for product_id in find_cards(part, None)}
