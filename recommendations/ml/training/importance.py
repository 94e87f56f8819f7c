"""What each part of a shopper's input and of the score is worth: what the lists lose when it is another shopper's.

Permutation importance: Breiman, Random Forests, Machine Learning 45, 2001; Fisher, Rudin, Dominici, All Models Are
Wrong, but Many Are Useful, JMLR 20(177), 2019.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, replace

import numpy as np

from ..metrics import ndcg
from ..ranking import Parts, Score
from ..sequences import History
from .judge import Protocol

# Shoppers of a question that are asked again for each part.
MOST_SHOPPERS = 1_000
INTERVAL = 1.96  # standard errors

# The encoder's reading of histories, float32 (S, d).
Encode = Callable[[Sequence[History]], np.ndarray]


def importance(score: Score, encode: Encode, asked: Sequence[Protocol], seed: int) -> dict:
    """protocol -> part -> {drop, low, high}: by how much NDCG@10 falls, and the middle 95 % of that paired difference.

    Of at most MOST_SHOPPERS by chance, exchanged among those of one of the protocol's blocks (judge.py).
    The parts are those of the score ("network", "table", ...), each taken whole from another shopper; "kinds", what was
    done taken from other events of any shopper; and "order", the same events in any order.
    """
    return {protocol.name: _drops(score, encode, protocol, np.random.default_rng(seed)) for protocol in asked}


def _drops(score: Score, encode: Encode, protocol: Protocol, rng: np.random.Generator) -> dict:
    found: dict[str, list[np.ndarray]] = {}
    some = np.sort(rng.permutation(len(protocol.asked))[:MOST_SHOPPERS])
    for block in protocol.take(some.tolist()).blocks(len(score.bias) - 1):
        histories = block.asked.histories
        if len(histories) < 2:
            continue  # nobody to exchange with
        parts = score.parts(encode(histories), histories)
        whole = _ndcg(block, score.mixed(parts))
        for name, scores in _exchanged(score, encode, histories, parts, rng):
            found.setdefault(name, []).append(whole - _ndcg(block, scores))
    return {name: _interval(np.concatenate(drops)) for name, drops in found.items()}


def _exchanged(
    score: Score, encode: Encode, histories: Sequence[History], parts: Parts, rng: np.random.Generator
) -> Iterator[tuple[str, np.ndarray]]:
    other = _others(len(histories), rng)
    for part in fields(parts):
        yield part.name, score.mixed(replace(parts, **{part.name: getattr(parts, part.name)[other]}))
    for name, changed in (("kinds", _other_kinds(histories, rng)), ("order", _any_order(histories, rng))):
        yield name, score.mixed(score.parts(encode(changed), changed))


def _others(count: int, rng: np.random.Generator) -> np.ndarray:
    """For each of `count` another one (itself where it is alone), each taken once."""
    order = rng.permutation(count)
    other = np.empty(count, int)
    other[order] = np.roll(order, 1)
    return other


def _other_kinds(histories: Sequence[History], rng: np.random.Generator) -> list[History]:
    """The kinds of all events with products exchanged; a search stays one."""
    with_product = [~history.queries.among(history.items) for history in histories]
    drawn = rng.permutation(np.concatenate([h.kinds[w] for h, w in zip(histories, with_product, strict=True)]))
    changed, used = [], 0
    for history, products in zip(histories, with_product, strict=True):
        kinds, count = history.kinds.copy(), int(products.sum())
        kinds[products] = drawn[used : used + count]
        used += count
        changed.append(replace(history, kinds=kinds))
    return changed


def _any_order(histories: Sequence[History], rng: np.random.Generator) -> list[History]:
    orders = [rng.permutation(len(history)) for history in histories]
    return [
        replace(history, items=history.items[order], kinds=history.kinds[order])
        for history, order in zip(histories, orders, strict=True)
    ]


def _ndcg(block: Protocol, scores: np.ndarray) -> np.ndarray:
    lists = block.lists(scores, 10)
    targets = [set(found.tolist()) for found in block.asked.targets]
    return np.array([ndcg(shown, wanted, 10) for shown, wanted in zip(lists, targets, strict=True)])


def _interval(drops: np.ndarray) -> dict[str, float]:
    mean, room = float(drops.mean()), INTERVAL * float(drops.std()) / len(drops) ** 0.5
    return {"drop": mean, "low": mean - room, "high": mean + room}
