"""Shoppers of one protocol with the parts of their scores, computed once, for weights to be tried on.

Only candidates are scored: what could stand in a shopper's list whatever the weights (the best by each part of the
score, what was bought before, the targets), and some of the other items by chance, which stand for all of them in the
likelihood. So thousands of shoppers can be asked, whatever the size of the catalog.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import torch

from ..ranking import FAR, NEAR, Columns, Reach, logits, next_item_strength, repeat_strength
from ..splitting import NotEnoughData
from .judge import Protocol, encode
from .network import Network
from .tables import Tables

# Candidates of each shopper: the best by each part, and others by chance.
BEST, OTHERS = 150, 300
# Places of a list that NDCG looks at.
LIST = 10
# Shoppers whose likelihood is looked at: enough for a start, from which all of them move the weights.
LIKELIHOOD = 2_000
# Cells (shoppers x items) of one part of the score that are held while candidates are looked for.
CELLS = 2_500_000
REPEAT_DECAY = (0.98, 0.99, 0.995, 0.998, 1.0)

# A part of the score: its name, and the setting it is for where there are several.
Part = str | tuple[str, float] | tuple[str, Reach] | tuple[str, float, Reach]
# The power of the next-item table that is read far, too.
FAR_POWER = 0.0


class Trial:
    """One protocol's shoppers who have a target that may be listed (S), and their candidates (at most C each).

    NotEnoughData when nobody has one: no weights would do better than others.
    """

    def __init__(self, network: Network, tables: Tables, protocol: Protocol):
        protocol = _answerable(protocol)
        rng = np.random.default_rng(0)
        blocks = [_candidates(_parts(network, tables, b), tables, b, rng) for b in _blocks(protocol, len(network.bias))]
        repeats = [(block["right"], block["repeat", REPEAT_DECAY[0]]) for block in blocks]
        self.tells_repeats = any(bool(of_all.any()) for _, of_all in repeats)
        # Whether a target of somebody's is a product that they had bought.
        self.bought_again = any(bool(of_all[right > 0].any()) for right, of_all in repeats)
        del repeats
        if not self.tells_repeats:  # nothing but zeros
            blocks = [{name: part for name, part in block.items() if name[0] != "repeat"} for block in blocks]
        width = max(block["stands_for"].shape[1] for block in blocks)
        # Part by part out of the blocks, so that nearly nothing is held twice.
        cells = {name: np.concatenate([_widen(b.pop(name), width) for b in blocks]) for name in list(blocks[0])}
        with np.errstate(divide="ignore"):
            self._stands_for = np.log(cells.pop("stands_for"))  # -inf where there is no candidate
        self._right = cells.pop("right")  # 1 / the shopper's targets where it is one, else 0
        self._shut = self._stands_for == -np.inf
        self._targets = _places(self._right > 0)
        self._cells = cells

    def parts(
        self, power: float, table_eps: float, decay: float, reach: Reach = NEAR, likeness: float = 0.0
    ) -> np.ndarray:
        """What the weights are multiplied with: network, table, repeat, bought, recent; (5, S, C)."""
        found = np.zeros((5, *self._right.shape), np.float32)
        found[0], found[4] = self._cells["network"], self._cells["recent"]
        table = self._cells["table", power, reach] + np.float32(table_eps)
        if likeness:
            table += np.float32(likeness) * self._cells["alike", reach]
        np.log(table, out=found[1])
        if self.tells_repeats:
            repeats = self._cells["repeat", decay]
            np.log1p(repeats, out=found[2])
            found[3] = repeats > 0
        return found

    def loss(self, parts: np.ndarray) -> Callable[[np.ndarray], tuple[float, np.ndarray]]:
        """Weights to how unlikely the targets are (the mean over shoppers of the mean of -log p), and its slope: of
        at most LIKELIHOOD shoppers, spread over all.
        """
        asked = slice(None, None, -(-len(self._right) // LIKELIHOOD))
        parts, right, stands_for = np.ascontiguousarray(parts[:, asked]), self._right[asked], self._stands_for[asked]
        shoppers, flat = len(right), parts.reshape(len(parts), -1)
        seen = flat @ right.ravel() / shoppers

        def loss(values: np.ndarray) -> tuple[float, np.ndarray]:
            scores = mixed(values, parts)
            scores += stands_for
            top = scores.max(axis=1, keepdims=True)
            share = np.exp(np.subtract(scores, top, out=scores), out=scores)
            total = share.sum(axis=1, keepdims=True)
            share /= total
            expected = flat @ share.ravel() / shoppers
            return float((np.log(total) + top).mean() - values @ seen), (expected - seen).astype(float)

        return loss

    def ndcg(self, values: np.ndarray, parts: np.ndarray) -> np.ndarray:
        """NDCG@10 of each shopper with these weights; 1e-9 more, since its mean's logarithm is taken."""
        return self._ndcg(mixed(values, parts))

    def spread(self, values: np.ndarray, parts: np.ndarray) -> float:
        """How far the scores of one shopper's candidates are apart, at most."""
        scores = mixed(values, parts)
        lowest = np.where(self._shut, np.inf, scores).min(axis=1)
        scores[self._shut] = -np.inf
        return float((scores.max(axis=1) - lowest).max())

    def table_alone(self, power: float, reach: Reach = NEAR) -> np.ndarray:
        """NDCG@10 of each shopper by the next-item table."""
        return self._ndcg(self._cells["table", power, reach].copy())

    def _ndcg(self, scores: np.ndarray) -> np.ndarray:
        """Of equal scores the wrong ones stand first: the place of the i-th best target is i and who is no lower."""
        best = np.where(self._targets < 0, -np.inf, np.take_along_axis(scores, self._targets, 1))
        best = -np.sort(-best, axis=1)[:, :LIST]
        scores[self._shut | (self._right > 0)] = -np.inf
        gains, gained = 1 / np.log2(np.arange(2, LIST + 2)), np.zeros(len(scores))
        for before, values in enumerate(best.T):
            asked = np.flatnonzero(values > -np.inf)
            place = before + (scores[asked] >= values[asked, None]).sum(axis=1)
            gained[asked] += np.append(gains, 0)[np.minimum(place, LIST)]
        targets = np.minimum((self._targets >= 0).sum(axis=1), LIST)
        return gained / np.cumsum(gains)[targets - 1] + 1e-9


def mixed(values: np.ndarray, parts: np.ndarray) -> np.ndarray:
    """The sum of the parts (P, S, C), float32, with these weights (P): a new float32 array."""
    return (values.astype(np.float32) @ parts.reshape(len(parts), -1)).reshape(parts.shape[1:])


def _places(asked: np.ndarray) -> np.ndarray:
    """Where each row of `asked` (S, C) is true: columns (S, at least 1), -1 behind the last."""
    row, column = np.nonzero(asked)
    found = np.full((len(asked), max(int(asked.sum(axis=1).max(initial=0)), 1)), -1)
    found[row, np.arange(len(row)) - np.searchsorted(row, row)] = column
    return found


def _answerable(protocol: Protocol) -> Protocol:
    """The protocol without targets that it bars, and without shoppers who have no other."""
    found = replace(protocol, asked=protocol.asked.new_only()) if protocol.takes_met_out else protocol
    if len(found.asked) == 0:
        raise NotEnoughData(
            f"none of the {len(protocol.asked)} shoppers who choose turned to a product that they had not met before; "
            "retrain when there are more, or import past orders"
        )
    return found


def _blocks(protocol: Protocol, items: int) -> Iterator[Protocol]:
    size = max(1, CELLS // items)
    for start in range(0, len(protocol.asked), size):
        yield protocol.take(range(start, min(start + size, len(protocol.asked))))


def _parts(network: Network, tables: Tables, protocol: Protocol) -> dict[Part, np.ndarray]:
    """The parts of every item's score, each (S, n+1)."""
    histories, columns = protocol.asked.histories, Columns(len(network.bias), None)
    hidden = encode(network, histories, tables.trained_kinds)
    found: dict[Part, np.ndarray] = {
        "network": logits(hidden, network.item_matrix.detach().numpy()) + network.bias.detach().numpy()
    }
    found |= {
        ("table", power, reach): next_item_strength(tables.next_item[power], histories, columns, reach)
        for power, reach in tables_read(tables)
    }
    found |= {("repeat", decay): repeat_strength(histories, columns, decay) for decay in REPEAT_DECAY}
    if tables.likeness is not None:
        for reach in (NEAR, FAR):
            found["alike", reach] = next_item_strength(tables.alike, histories, columns, reach)
    return found | {"recent": np.broadcast_to(np.log1p(tables.recent), found["network"].shape)}


def tables_read(tables: Tables) -> list[tuple[float, Reach]]:
    """Each next-item table's power, and how far back it is read."""
    return [*((power, NEAR) for power in tables.next_item), (FAR_POWER, FAR)]


def _candidates(
    parts: dict[Part, np.ndarray], tables: Tables, protocol: Protocol, rng: np.random.Generator
) -> dict[Part, np.ndarray]:
    """The parts (S, C) of the candidates' scores, how many items each of them stands for, and which are right."""
    right, open_ = _right(protocol, parts["network"].shape), _open(protocol, parts["network"].shape)
    chosen = (right > 0) | (parts["repeat", REPEAT_DECAY[0]] > 0)
    chosen[:, _best(tables.recent[None])[0]] = True
    alike = [("alike", NEAR)] if tables.likeness is not None else []
    for part in ["network", *(("table", *read) for read in tables_read(tables)), *alike]:
        np.put_along_axis(chosen, _best(np.where(open_, parts[part], -np.inf)), True, 1)
    chosen &= open_
    others = open_ & ~chosen
    unasked = others.sum(axis=1)
    kept = np.zeros(others.shape[1], bool)
    kept[1 + rng.permutation(len(kept) - 1)[:OTHERS]] = True
    others &= kept
    stands_for = chosen + others * (unasked / np.maximum(others.sum(axis=1), 1))[:, None]
    row, item = np.nonzero(stands_for)
    place = np.arange(len(row)) - np.searchsorted(row, row)
    shape = (len(right), int(place.max()) + 1)
    parts = parts | {"stands_for": stands_for, "right": right}
    return {name: _taken(part[row, item], row, place, shape) for name, part in parts.items()}


def _right(protocol: Protocol, shape: tuple[int, int]) -> np.ndarray:
    right = np.zeros(shape, np.float32)
    for row, targets in zip(right, protocol.asked.targets, strict=True):
        row[targets] = 1 / len(targets)
    return right


def _open(protocol: Protocol, shape: tuple[int, int]) -> np.ndarray:
    """Which items may be listed."""
    found = np.ones(shape, bool)
    found[:, 0] = False
    if protocol.takes_met_out:
        for row, met in zip(found, protocol.asked.met, strict=True):
            row[met] = False
    return found


def _best(values: np.ndarray) -> np.ndarray:
    """The places of the largest BEST of each row."""
    return _largest(values, min(BEST, values.shape[1]))


def _largest(values: np.ndarray, count: int) -> np.ndarray:
    """The places of the `count` largest of each row (S, N), largest first.

    By torch: numpy's partition takes eight times as long where most values are equal.
    """
    return torch.topk(torch.from_numpy(values), count)[1].numpy()


def _taken(values: np.ndarray, row: np.ndarray, place: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    found = np.zeros(shape, np.float32)
    found[row, place] = values
    return found


def _widen(cells: np.ndarray, width: int) -> np.ndarray:
    return np.pad(cells, ((0, 0), (0, width - cells.shape[1])))
