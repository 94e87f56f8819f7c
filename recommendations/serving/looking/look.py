"""Everything that the staff's page tells of one list, as plain data."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ...models import RecommenderVersion
from ..inspection import Inspection, Unit
from ..reasons import Evidence
from .ablation import Ablation, ablations
from .effects import Attention, HeatMap, attention, heat_map
from .paths import Contrast, Path, contrast, path, strength_of
from .resting import Step, rests_on


@dataclass(frozen=True)
class Shown:
    """One product of the list, as the shopper sees it."""

    rank: int
    product_id: str
    title: str
    source: str
    score: float | None  # of the recommender; in a list about one product its likeness, or how strongly it follows it
    reason: str
    tier: str
    evidence: Evidence | None
    place: int | None  # in the pool, before what can't be bought was left out


@dataclass(frozen=True)
class Move:
    """Where a product stands with all of the history and without what was unticked; None where it is not shown."""

    product_id: str
    title: str
    before: int | None
    after: int | None


@dataclass(frozen=True)
class Sandbox:
    """The list without some units, then what it no longer shows."""

    without: tuple[Unit, ...]
    moves: tuple[Move, ...]


@dataclass(frozen=True)
class VersionFacts:
    """What the numbers were computed with."""

    number: int
    artifact_sha256: str
    manifest: str
    eps: float
    weights: dict[str, float]
    libraries: dict[str, str]
    files: dict[str, str]  # name -> sha256


@dataclass(frozen=True)
class Look:
    """One list looked into. `gap` says why there is nothing of the history's to tell; "" when there is."""

    shopper: int | None
    placement: str
    about: str  # the product_id that the list is about, "" for the other lists
    limit: int
    at: datetime
    gap: str
    version: VersionFacts | None
    shown: tuple[Shown, ...]
    units: tuple[Unit, ...] = ()
    heat: HeatMap | None = None
    attention: Attention | None = None
    ablations: tuple[Ablation, ...] = field(default=())
    path: Path | None = None
    rests_on: tuple[Step, ...] = ()  # the followed product
    contrast: Contrast | None = None
    sandbox: Sandbox | None = None


def look(inspection: Inspection, product_id: str = "", kept: Collection[str] | None = None) -> Look:
    """Look into a list, into one product (the first shown when none is named) and, if `kept` holds the marks of some
    units, into the list that these alone would give."""
    query, shown = inspection.query, _shown(inspection)
    followed = product_id or (shown[0].product_id if shown else "")
    return Look(
        shopper=query.shopper.pk if query.shopper else None,
        placement=query.placement,
        about=query.product_id or "",
        limit=query.limit,
        at=query.now,
        gap=inspection.gap,
        version=_version(inspection),
        shown=shown,
        units=tuple(inspection.units.values()),
        heat=heat_map(inspection),
        attention=attention(inspection),
        ablations=ablations(inspection),
        path=path(inspection, followed) if followed else None,
        rests_on=rests_on(inspection, followed),
        contrast=contrast(inspection, product_id) if product_id else None,
        sandbox=_sandbox(inspection, kept) if kept is not None else None,
    )


def _shown(inspection: Inspection) -> tuple[Shown, ...]:
    places = {entry.rank: column + 1 for entry, column in inspection.ranked}
    return tuple(
        Shown(
            rank=entry.rank,
            product_id=entry.card.product_id,
            title=entry.card.title,
            source=entry.source,
            score=strength_of(inspection, entry.card.product_id) if entry.score is None else entry.score,
            reason=entry.reason.text,
            tier=entry.reason.tier,
            evidence=entry.reason.evidence,
            place=places.get(entry.rank),
        )
        for entry in inspection.served.recommendations
    )


def _sandbox(inspection: Inspection, kept: Collection[str]) -> Sandbox | None:
    """None when nothing is taken out."""
    gone = tuple(unit for unit in inspection.units.values() if unit.mark not in kept)
    if not gone:
        return None
    now = {entry.card.product_id: entry for entry in inspection.served.recommendations}
    without = inspection.served_without((unit.type, unit.key) for unit in gone)
    then = {entry.card.product_id: entry for entry in without.recommendations}
    moves = [
        Move(key, entry.card.title, now[key].rank if key in now else None, then[key].rank if key in then else None)
        for key, entry in (then | {key: entry for key, entry in now.items() if key not in then}).items()
    ]
    return Sandbox(gone, tuple(moves))


def _version(inspection: Inspection) -> VersionFacts | None:
    if inspection.loaded is None:
        return None
    manifest = inspection.loaded.scorer.manifest
    row = RecommenderVersion.objects.filter(pk=inspection.loaded.version).first()
    weights: dict[str, Any] = vars(manifest.weights)
    return VersionFacts(
        number=inspection.loaded.version,
        artifact_sha256=row.artifact_sha256 if row else "",
        manifest=manifest.version,
        eps=manifest.eps,
        weights=dict(weights),
        libraries=dict(manifest.libraries),
        files=dict(manifest.files),
    )
