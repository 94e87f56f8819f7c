"""Judging a fit on held-out shoppers: the protocols, the methods beside each other, and whether to publish."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ..interactions import InteractionLog
from ..metrics import averages, ndcg, rank_pessimistic
from ..ranking import Score, token_vectors
from ..sequences import SEQUENCE_LENGTH, History, tokens
from ..splitting import HeldOut, NotEnoughData
from .network import Network
from .windows import read_kinds

RECOMMENDER = "recommender"
NETWORK = "network"
CURRENT = "current_version"  # by its judged fit
COUNTED = "counted"  # what a new shop is served, counted.py
LIST_LENGTH = 20
# Scores of so many shoppers at most are held at a time, and of so many cells (shoppers x items).
BLOCK, CELLS = 256, 8_000_000

# Scores (S, n+1) for some held-out shoppers.
Method = Callable[[HeldOut], np.ndarray]


@dataclass(frozen=True, eq=False)
class Protocol:
    """A question put to every method: which shoppers, which targets, and whether met items may be listed."""

    name: str
    asked: HeldOut
    takes_met_out: bool

    def take(self, rows: Sequence[int]) -> "Protocol":
        """The protocol for some of its shoppers."""
        return Protocol(self.name, self.asked.take(rows), self.takes_met_out)

    def halves(self) -> tuple["Protocol", "Protocol"]:
        """Those of its shoppers who choose, and those who judge, in every protocol of one HeldOut alike."""
        first, second = self.asked.halves()
        return Protocol(self.name, first, self.takes_met_out), Protocol(self.name, second, self.takes_met_out)

    def blocks(self, items: int = 0) -> Iterator["Protocol"]:
        """The protocol in blocks of shoppers, fewer the more `items` are scored."""
        size = max(2, min(BLOCK, CELLS // (items + 1)))
        for start in range(0, len(self.asked), size):
            yield self.take(range(start, min(start + size, len(self.asked))))

    def lists(self, scores: np.ndarray, length: int) -> list[list[int]]:
        """The ranked lists that `scores` (S, n+1, changed in place) give these shoppers."""
        scores[:, 0] = -np.inf
        if self.takes_met_out:
            for row, met in zip(scores, self.asked.met, strict=True):
                row[met] = -np.inf
        return [rank_pessimistic(s, t, length).tolist() for s, t in zip(scores, self.asked.targets, strict=True)]


def protocols(held_out: HeldOut, needed: int) -> tuple[list[Protocol], list[str]]:
    """The questions this shop's data can answer, and a sentence for each that it can't.

    "repeats_allowed": the whole catalog, the targets are all products of the future.
    "new_products": what the shopper had met is taken out, the targets are products never met before.
    """
    if len(held_out) < needed:
        raise NotEnoughData(
            f"{len(held_out)} shoppers have interactions both before and in the held-out time, {needed} are needed; "
            "retrain when there are more, or import past orders"
        )
    new, repeating = held_out.new_only(), held_out.repeating()
    asked, left_out = [], []
    if repeating >= needed and all(map(len, held_out.halves())):
        asked.append(Protocol("repeats_allowed", held_out, False))
    else:
        lacking = _lacking(repeating, needed)
        left_out.append(f"repeats_allowed: {repeating} shoppers came back to a product they knew, {lacking}")
    if len(new) >= needed and all(map(len, new.halves())):
        asked.append(Protocol("new_products", new, True))
    else:
        left_out.append(f"new_products: {len(new)} shoppers turned to a new product, {_lacking(len(new), needed)}")
    if not asked:
        raise NotEnoughData("; ".join(left_out))
    return asked, left_out


def _lacking(found: int, needed: int) -> str:
    return f"{needed} are needed" if found < needed else "all of the half that chooses, or all of the half that judges"


def encode(network: Network, histories: Sequence[History], trained_kinds: Sequence[int]) -> np.ndarray:
    """The network's reading of each history, float32 (S, d)."""
    items = np.zeros((len(histories), SEQUENCE_LENGTH), np.int64)
    kinds, lengths = items.copy(), np.zeros(len(histories), np.int64)
    as_read = read_kinds(trained_kinds)
    for row, history in enumerate(histories):
        read_items, read_kind = tokens(history)
        lengths[row] = len(read_items)
        items[row, : lengths[row]], kinds[row, : lengths[row]] = read_items, as_read[read_kind]
    with torch.inference_mode():
        vectors = token_vectors(network.item_matrix.detach().numpy(), items, histories)
        return network.encoder(torch.from_numpy(vectors), torch.from_numpy(kinds), torch.from_numpy(lengths)).numpy()


def score_of(network: Network, next_item, weights) -> Score:
    """The network's arrays with a table and weights, as the score that serving computes."""
    return Score(network.item_matrix.detach().numpy(), network.bias.detach().numpy(), next_item, weights)


def compare(
    asked: Sequence[Protocol], methods: dict[str, Method], items: int, report: Callable[[float], None]
) -> tuple[dict[str, dict[str, dict[str, float]]], dict[str, dict[str, np.ndarray]]]:
    """(protocol -> method -> metric -> value, protocol -> method -> NDCG@10 of each shopper (S))."""
    table: dict = {}
    single: dict = {}
    total, done = len(asked) * len(methods), 0
    for protocol in asked:
        table[protocol.name], single[protocol.name] = {}, {}
        for name, method in methods.items():
            lists = []
            for block in protocol.blocks(items):
                lists += block.lists(np.array(method(block.asked)), LIST_LENGTH)
                report(done / total)
            targets = [set(t.tolist()) for t in protocol.asked.targets]
            table[protocol.name][name] = averages(lists, targets, items)
            single[protocol.name][name] = np.array([ndcg(r, t, 10) for r, t in zip(lists, targets, strict=True)])
            done += 1
    return table, single


def leads(single: dict[str, dict[str, np.ndarray]]) -> dict[str, dict[str, dict[str, float]]]:
    """protocol -> other method -> the recommender's lead in NDCG@10 and that paired difference's standard error."""
    found: dict = {}
    for protocol, methods in single.items():
        found[protocol] = {}
        for name in sorted(methods.keys() - {RECOMMENDER, NETWORK}):
            difference = methods[RECOMMENDER] - methods[name]
            error = float(difference.std() / len(difference) ** 0.5)
            found[protocol][name] = {"lead": float(difference.mean()), "standard_error": error}
    return found


def refusal(table: dict, lead_over: dict, standard_errors: float) -> str:
    """Why the recommender is not good enough, "" when it is.

    It must beat every baseline in every protocol, by more than `standard_errors` times the error of its lead; where
    that is not above 0, a lead just as large will do.
    """
    reasons = []
    for protocol, others in lead_over.items():
        ours = table[protocol][RECOMMENDER]["ndcg@10"]
        for name, found in sorted(others.items()):
            if name == CURRENT:
                continue
            needed = standard_errors * found["standard_error"]
            if found["lead"] < needed or (found["lead"] == needed and standard_errors > 0):
                theirs = table[protocol][name]["ndcg@10"]
                reasons.append(
                    f"{protocol}: NDCG@10 {ours:.4f} against {theirs:.4f} of {name}, "
                    f"a lead above {needed:.4f} is needed"
                )
    return f"The recommender does not beat every baseline. {'; '.join(reasons)}." if reasons else ""


def beside_current(lead_over: dict, asked: Sequence[Protocol], errors: float) -> dict[str, dict[str, float]]:
    """protocol -> the lead over the current version's judged fit, its interval of `errors` standard errors either way,
    and over how many shoppers; empty when there was nothing to compare with.
    """
    found = {}
    for protocol in asked:
        if beside := lead_over[protocol.name].get(CURRENT):
            lead, room = beside["lead"], errors * beside["standard_error"]
            shoppers = len(protocol.asked)
            found[protocol.name] = {"lead": lead, "low": lead - room, "high": lead + room, "shoppers": shoppers}
    return found


def falls_behind(compared: dict[str, dict[str, float]], version: int) -> str:
    """Why the recommender must not take over from the current `version`, "" when it is not surely worse anywhere."""
    reasons = [
        f"{protocol}: NDCG@10 differs by {found['lead']:.4f} ({found['low']:.4f} to {found['high']:.4f}) "
        f"over {found['shoppers']} shoppers"
        for protocol, found in compared.items()
        if found["high"] < 0
    ]
    told = f"The recommender falls behind version {version}, on interactions that neither fit had seen. "
    return f"{told}{'; '.join(reasons)}." if reasons else ""


def interactions_by_kind(log: InteractionLog) -> dict[str, int]:
    """Rows of each kind, by its number as text."""
    kinds, rows = np.unique(log.kind, return_counts=True)
    return dict(zip(kinds.astype(str).tolist(), rows.tolist(), strict=True))
