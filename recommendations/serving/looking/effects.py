"""What each unit of the history does to each shown product, and where the network looked."""

from dataclasses import dataclass
from math import log

import numpy as np

from ...catalog import find_cards
from ...ml.agreement import kendall_tau
from ...ml.plain import PlainScorer
from ...ml.sequences import tokens
from ..explaining import named_products
from ..inspection import Inspection, Unit

# An effect has the first shade from where it makes a product this many times as probable (or improbable), and so on.
SHADES = (1.2, 2, 5)


@dataclass(frozen=True)
class Cell:
    """By how much a product's log-probability falls without the unit; None when that can't be computed exactly."""

    effect: float | None
    shade: int = 0  # how many of SHADES it reaches, below 0 for what speaks against the product
    tier: str = ""  # "T1": the product leaves the list without this unit; "T2": without it and one other


@dataclass(frozen=True)
class HeatRow:
    unit: Unit
    cells: tuple[Cell, ...]
    total: float | None


@dataclass(frozen=True)
class HeatMap:
    """Units (the one met last first) times the shown products that the recommender ranked."""

    columns: tuple[str, ...]  # product_ids
    titles: tuple[str, ...]
    ranks: tuple[int, ...]  # places in the shown list
    rows: tuple[HeatRow, ...]
    totals: tuple[float | None, ...]  # None where the effect of some unit is not known
    total: float | None


@dataclass(frozen=True)
class Token:
    """What one position of the network's input got of the attention of the last one."""

    unit: Unit
    weights: tuple[float, ...]  # each head of each layer, the first layer's first
    last_layer: float  # mean over its heads


@dataclass(frozen=True)
class Attention:
    """Where the network looked, newest token first; `tau` compares it with what decides about `product_id`."""

    heads: tuple[tuple[int, int], ...]  # (layer, head), from 1
    tokens: tuple[Token, ...]
    product_id: str
    title: str
    tau: float | None


def heat_map(inspection: Inspection) -> HeatMap | None:
    """None when the recommender ranked nothing that is shown."""
    if not inspection.ranked:
        return None
    entries = [entry for entry, _ in inspection.ranked]
    shown = [column for _, column in inspection.ranked]
    left, tiers = inspection.left, _tiers(inspection)
    effects = dict(zip(left.units, left.effect[:, shown].astype(float).tolist(), strict=True))
    rows = []
    for number, unit in inspection.units.items():
        found = effects.get(number)
        cells = [
            Cell(effect, _shade(effect), tiers.get((unit.type, unit.key, entry.card.product_id), ""))
            for entry, effect in zip(entries, found or [None] * len(entries), strict=True)
        ]
        rows.append(HeatRow(unit, tuple(cells), sum(found) if found else None))
    are_known = len(effects) == len(rows)
    totals = left.effect[:, shown].sum(axis=0, dtype=float).tolist()
    return HeatMap(
        columns=tuple(entry.card.product_id for entry in entries),
        titles=tuple(entry.card.title for entry in entries),
        ranks=tuple(entry.rank for entry in entries),
        rows=tuple(rows),
        totals=tuple(totals) if are_known else (None,) * len(totals),
        total=sum(totals) if are_known else None,
    )


def _shade(effect: float | None) -> int:
    reached = sum(abs(effect or 0.0) >= log(times) for times in SHADES)
    return reached if effect and effect > 0 else -reached


def _tiers(inspection: Inspection) -> dict[tuple[str, str, str], str]:
    """(unit's type and key, product_id) -> the tier of what may be said of the two."""
    pool, query = inspection.pool, inspection.query
    explainer, shown = inspection.explainer, inspection.served.recommendations
    without_facts = [
        (entry, column) for entry, column in inspection.ranked if entry.reason.tier != "T5" and not entry.is_promoted
    ]
    claims = [
        (entry, claim)
        for entry, column in without_facts
        for claim in explainer.claims(int(pool.items[column]), entry.place)
    ]
    cards = find_cards(named_products(claim for _, claim in claims), query.request)
    tiers = {
        (anchor.type, anchor.id, entry.card.product_id): "T2"
        for entry, _ in without_facts
        if entry.reason.tier == "T2"
        for anchor in entry.reason.anchors
    }
    for entry, claim in claims:
        ahead = [above.card.product_id for above in shown if 0 < above.place < entry.place]
        reason = explainer.because(claim, entry.place, ahead, cards)
        if reason is not None:
            product_id = entry.card.product_id
            tiers |= {(anchor.type, anchor.id, product_id): reason.tier for anchor in reason.anchors}
    return tiers


def attention(inspection: Inspection) -> Attention | None:
    """Compared with the effects on the first shown product; None when the recommender ranked none."""
    if not inspection.ranked:
        return None
    scorer, history = inspection.pool.loaded.scorer, inspection.pool.history
    plain = PlainScorer(scorer.directory, scorer.manifest, scorer.vocabulary, scorer.newcomers)
    weights = plain.attention(history)
    layers, heads, _ = weights.shape
    read, last = tokens(history)[0], weights[-1].mean(axis=0)
    entry, column = inspection.ranked[0]
    looked = [
        Token(inspection.units[int(item)], tuple(weights[:, :, place].ravel().tolist()), float(last[place]))
        for place, item in enumerate(read)
    ]
    return Attention(
        heads=tuple((layer + 1, head + 1) for layer in range(layers) for head in range(heads)),
        tokens=tuple(reversed(looked)),
        product_id=entry.card.product_id,
        title=entry.card.title,
        tau=_agreement(inspection, read, last, column),
    )


def _agreement(inspection: Inspection, read: np.ndarray, looked: np.ndarray, column: int) -> float | None:
    """Kendall's tau of the units' attention and their effects on one item of the pool."""
    left = inspection.left
    rows = [row for row, unit in enumerate(left.units) if unit in read]
    looks = [float(looked[read == left.units[row]].sum()) for row in rows]
    return kendall_tau(looks, left.effect[rows, column].tolist())
