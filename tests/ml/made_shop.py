"""Made-up shops whose truth is known, for training in seconds."""

import numpy as np

from recommendations.ml.interactions import InteractionLog
from recommendations.ml.kinds import Kind
from recommendations.ml.training.settings import TrainingSettings
from recommendations.ml.vocabulary import Vocabulary

DAY = 86_400
FAST = TrainingSettings(steps=120, width=16, dropout=0.1, rate=1e-2)


def vocabulary_of(n: int) -> Vocabulary:
    """Products "p1".."pn"."""
    return Vocabulary([f"p{k}" for k in range(1, n + 1)])


def chain_shop(shoppers: int = 240, n: int = 40, events: int = 14, seed: int = 0) -> InteractionLog:
    """Item k is followed by k+1 (after the last comes the first) for every other shopper, by k+7 for the rest.

    One event a day. Counts of what follows what see both; only the whole sequence tells which it will be.
    """
    rng = np.random.default_rng(seed)
    starts, strides = rng.integers(0, n, shoppers), np.where(np.arange(shoppers) % 2, 1, 7)
    items = (starts[:, None] + strides[:, None] * np.arange(events)) % n + 1
    return _log(items, rng)


def noise_shop(shoppers: int = 240, n: int = 40, events: int = 14, seed: int = 0) -> InteractionLog:
    """Every event is any product, with nothing to learn."""
    rng = np.random.default_rng(seed)
    return _log(rng.integers(1, n + 1, (shoppers, events)), rng)


def _log(items: np.ndarray, rng: np.random.Generator) -> InteractionLog:
    shoppers, events = items.shape
    shopper = np.repeat(np.arange(1, shoppers + 1), events)
    kinds = rng.choice([Kind.VIEW, Kind.PURCHASE], items.size)
    time = np.tile(np.arange(events) * DAY, shoppers) + rng.integers(0, DAY, items.size)
    return InteractionLog.from_rows(shopper, items.ravel(), kinds, time)
