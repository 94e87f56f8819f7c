"""How one product came to its place, or why it has none."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ...catalog import find_cards
from ...ml.ranking import Parts
from ...ml.reasons import LeaveOneOut
from ...models import HiddenProduct, Product
from ..eligibility import eligible_items, fewer_of
from ..inspection import Inspection, Unit
from ..placements import Basis


@dataclass(frozen=True)
class Terms:
    """The parts of a product's score, weighted; they add up to `total`."""

    network: float
    bias: float
    table: float
    repeats: float
    total: float


@dataclass(frozen=True)
class Filter:
    """A rule that may leave a product out of a list, whatever its score."""

    name: str
    leaves_out: bool


@dataclass(frozen=True)
class Path:
    """One product from its score to its place in the list."""

    product_id: str
    title: str
    source: str  # "" when the list does not show it
    terms: Terms | None  # None when the version does not know the product, or the list is about a product
    strength: float | None  # its likeness to the product that the list is about, or how strongly it follows it
    log_probability: float | None  # within the pool, and the product itself if it is not there
    filters: tuple[Filter, ...]
    place: int | None  # among all products that the list may show; where it would stand, if a filter leaves it out
    rank: int | None  # in the shown list
    is_promoted: bool  # by the shop, which puts it first
    limit: int  # of the list
    pinned: int  # how many products stand first in the list because the shop promotes them

    @property
    def is_left_out(self) -> bool:
        return any(rule.leaves_out for rule in self.filters)

    @property
    def is_pushed_out(self) -> bool:
        """Whether it would be in the list if nothing were promoted; `limit` is that list's length."""
        return self.rank is None and not self.is_left_out and self.place is not None and self.place <= self.limit


@dataclass(frozen=True)
class Favour:
    """By how much more a unit speaks for the one product than for the other."""

    unit: Unit
    favour: float


@dataclass(frozen=True)
class Contrast:
    """Why the last shown product and not this one."""

    product_id: str
    title: str
    over: str  # the shown product's id
    over_title: str
    gap: float  # by how much the shown product's score is higher
    favours: tuple[Favour, ...]  # strongest for the shown product first; neither of the two speaks for itself


def path(inspection: Inspection, product_id: str) -> Path:
    """The product need not be shown, nor known to the version."""
    entry = next((e for e in inspection.served.recommendations if e.card.product_id == product_id), None)
    title = entry.card.title if entry else Product.objects.titles([product_id]).get(product_id, product_id)
    item = 0 if inspection.gap else inspection.pool.loaded.scorer.vocabulary.number(product_id)
    terms = _terms(inspection, item) if item else None
    strength = strength_of(inspection, product_id)
    return Path(
        product_id=product_id,
        title=title,
        source=entry.source if entry else "",
        terms=terms,
        strength=strength,
        log_probability=_log_probability(inspection, item, terms.total) if terms else None,
        filters=tuple(filters(inspection, product_id)),
        place=_place(inspection, product_id) if terms or strength is not None else None,
        rank=entry.rank if entry else None,
        is_promoted=entry is not None and entry.source == "promoted",
        limit=inspection.query.limit,
        pinned=sum(shown.source == "promoted" for shown in inspection.served.recommendations),
    )


def strength_of(inspection: Inspection, product_id: str) -> float | None:
    """Beside the product of the page; None where the list is about none, or can't show it."""
    item = inspection.loaded.scorer.vocabulary.number(product_id) if inspection.strengths is not None else 0
    strength = float(inspection.strengths[item]) if item else -np.inf
    return strength if strength > -np.inf else None


def contrast(inspection: Inspection, product_id: str) -> Contrast | None:
    """None when the product is shown or unknown to the version, or nothing shown was ranked by the recommender."""
    if not inspection.ranked or product_id in inspection.served.product_ids:
        return None
    pool = inspection.pool
    entry, column = inspection.ranked[-1]
    item, over = pool.loaded.scorer.vocabulary.number(product_id), int(pool.items[column])
    if item == 0:
        return None
    two = np.array([over, item], np.int32)
    scores = pool.loaded.scorer.scores([pool.history], two)[0]
    left = LeaveOneOut(pool.loaded.scorer, pool.history, two, scores)
    # What a pool's normalisation adds is the same for both, so the difference holds beyond the pool.
    favours = (scores[0] - left.without[:, 0]) - (scores[1] - left.without[:, 1])
    order = [row for row in np.argsort(-favours, kind="stable") if left.units[row] not in two]
    return Contrast(
        product_id=product_id,
        title=Product.objects.titles([product_id]).get(product_id, product_id),
        over=entry.card.product_id,
        over_title=entry.card.title,
        gap=float(scores[0] - scores[1]),
        favours=tuple(Favour(inspection.units[left.units[row]], float(favours[row])) for row in order),
    )


def _terms(inspection: Inspection, item: int) -> Terms:
    """Each part's own share: what f is with it, less what f is without it."""
    pool, items = inspection.pool, np.array([item], np.int32)
    score = pool.loaded.scorer.score
    parts = score.parts(inspection.reading, [pool.history], items)
    bias, nothing = np.full_like(parts.network, score.bias[item]), np.zeros_like(parts.network)

    def mixed(network: np.ndarray, repeats: np.ndarray) -> float:
        return float(score.mixed(Parts(network, parts.table, repeats), items)[0, 0])

    table, total = mixed(nothing, nothing), mixed(parts.network, parts.repeats)
    return Terms(
        network=mixed(parts.network, nothing) - mixed(bias, nothing),
        bias=mixed(bias, nothing) - table,
        table=table,
        repeats=total - mixed(parts.network, nothing),
        total=total,
    )


def filters(inspection: Inspection, product_id: str) -> Iterable[Filter]:
    """What eligibility asks of a product, told apart; the last is asked once the list is ranked."""
    memory, query, loaded = inspection.memory, inspection.query, inspection.loaded
    item = loaded.scorer.vocabulary.number(product_id) if loaded else 0
    is_bought = product_id in memory.bought
    shopper = query.shopper.pk if query.shopper else 0
    is_hidden = HiddenProduct.objects.left_out_by(shopper, query.now).products.get(product_id, False)
    thinned = fewer_of(query, memory)
    yield Filter("unknown_to_version", item == 0)
    yield Filter("not_available", item > 0 and not loaded.eligible[item])
    yield Filter("hidden", is_hidden)
    yield Filter("removed", product_id in memory.left_out and not is_hidden)
    yield Filter("fewer_like_it", bool(thinned and item and loaded.left_out_of(thinned)[item]))
    yield Filter("in_basket", product_id in memory.in_basket)
    if query.spot.needs_product:
        yield Filter("itself", product_id == query.product_id)
        yield from _page_filters(inspection, item)
    else:
        yield Filter("met", product_id in memory.seen and not is_bought)
        yield Filter("bought", is_bought and query.spot.bought == "left out")
        yield Filter("not_bought", not is_bought and query.spot.bought == "only")
    yield Filter("not_for_sale", product_id not in find_cards([product_id], query.request))


def _page_filters(inspection: Inspection, item: int) -> Iterable[Filter]:
    """What a list about one product asks besides; nothing where the version does not know either product."""
    loaded, query, strengths = inspection.loaded, inspection.query, inspection.strengths
    if strengths is None or item == 0:
        return
    if query.catalog is not None:
        yield Filter("other_model", not loaded.items_of(query.catalog)[item])
    name = "other_category" if query.spot.basis is Basis.SIMILAR else "never_follows"
    yield Filter(name, bool(np.isneginf(strengths[item])))


def _log_probability(inspection: Inspection, item: int, score: float) -> float:
    """Within the pool, and the product itself if it is not there."""
    pool = inspection.pool
    scores = pool.scores if item in pool.items else np.append(pool.scores, np.float32(score))
    return score - _logsumexp(scores)


def _place(inspection: Inspection, product_id: str) -> int:
    item, scores = inspection.loaded.scorer.vocabulary.number(product_id), inspection.strengths
    if scores is None:
        scores = inspection.pool.loaded.scorer.scores([inspection.pool.history])[0]
    rivals = eligible_items(inspection.loaded, inspection.query, inspection.memory)
    before = (scores > scores[item]) | ((scores == scores[item]) & (np.arange(len(scores)) < item))
    return int(np.count_nonzero(rivals & before)) + 1


def _logsumexp(scores: np.ndarray) -> float:
    top = float(scores.max())
    return top + float(np.log(np.exp(scores.astype(np.float64) - top).sum()))
