"""Facts derived a second time: every number and word of them, from rows that serving does not read."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Max, Min

from ..catalog import catalogs_of, ids_of, product_id_of, registered
from ..ml.kinds import Kind
from ..models import Interaction, Product, RemovedProduct
from .shopper_audit import ShopperAudit

# What may be printed of a number of shoppers, and from when on.
PRINTED = (5, 10, 20, 50, 100)
SENSITIVE_FROM = 20


@dataclass(frozen=True)
class Said:
    """A product as it was shown, and the words beside it."""

    product_id: str
    fact: str = ""  # "" when no fact was told
    when: datetime | None = None
    anchors: tuple[str, ...] = ()
    events: tuple[str, ...] = ()  # the word used of each anchor
    shoppers: int = 0
    about: str = ""  # the product of the page
    placement: str = "home"
    limit: int = 10
    bought: str = "allowed"  # what the placement does with bought products


def fact_faults(audit: ShopperAudit, said: Said) -> list[str]:
    """What is not true of a fact; empty when all of it is."""
    if said.fact == "popular_this_week":
        shoppers = audit.reference.shoppers_this_week.get(said.product_id, 0)
        return [] if shoppers >= 5 else [f"{said.product_id}: {shoppers} shoppers this week"]
    if said.fact == "new":
        return _new_faults(audit, said)
    if said.fact == "bought_together":
        return _together_faults(audit, said)
    if said.fact in ("promoted", "sponsored"):
        return [] if said.product_id in _promoted(said) else [f"{said.product_id}: nobody promotes it"]
    return _bought_faults(audit, said)


def promotion_faults(audit: ShopperAudit, said: Said) -> list[str]:
    """Whether the words beside a promoted product are those that it needs; empty for any other product."""
    paid = _promoted(said).get(said.product_id)
    if paid is None:
        return []
    best, worst = audit.place_now(said.product_id, said.bought)
    is_labelled = said.fact in ("promoted", "sponsored")
    wrong = {
        "must not be shown": said.product_id in audit.left_out(said.bought, ())
        or said.product_id not in audit.reference.buyable,
        "is promoted and has a cause": said.anchors and not said.fact,
        f"is {said.fact or 'shown without a word'}, paid: {paid}": (said.fact == "sponsored") != paid
        and (paid or is_labelled),
        f"is promoted, and at {worst} of {said.limit} anyway": said.fact == "promoted" and worst <= said.limit,
        f"at {best} of {said.limit} does not say it is promoted": not is_labelled and best > said.limit,
    }
    return [f"{said.product_id} {fault}" for fault, is_so in wrong.items() if is_so]


def _bought_faults(audit: ShopperAudit, said: Said) -> list[str]:
    mine = Interaction.objects.filter(shopper=audit.shopper, product__product_id=said.product_id)
    last, back = (mine.filter(kind=k).aggregate(at=Max("occurred_at"))["at"] for k in (Kind.PURCHASE, Kind.RETURN))
    removed = RemovedProduct.objects.filter(shopper=audit.shopper, product__product_id=said.product_id)
    if said.fact != "bought" or last is None or last != said.when or removed.filter(removed_at__gte=last).exists():
        return [f"{said.product_id}: {said.fact} at {said.when}, but last bought at {last}"]
    if back is not None and back >= last:
        return [f"{said.product_id}: bought at {last}, but returned at {back}"]
    return []


def _new_faults(audit: ShopperAudit, said: Said) -> list[str]:
    """New: had for 30 days at most, and not one of those that the shop began with."""
    (catalog,) = catalogs_of([said.product_id])
    added = Product.objects.filter(product_id=said.product_id).values_list("created_at", flat=True).first()
    began = Product.objects.filter(ids_of(catalog)).aggregate(at=Min("created_at"))["at"] if catalog else None
    is_new = added and began and added - began > timedelta(days=1) and audit.now - added < timedelta(days=30)
    return [] if is_new else [f"{said.product_id}: new, but added at {added}"]


def _together_faults(audit: ShopperAudit, said: Said) -> list[str]:
    buyers, sensitive = audit.reference.buyers, audit.reference.sensitive
    if len(said.anchors) != (0 if said.about else 1):
        return [f"{said.product_id}: bought together, {len(said.anchors)} are named"]
    other = said.about or said.anchors[0]
    both = len(buyers.of(said.product_id) & buyers.of(other))
    by_chance = len(buyers.of(said.product_id)) * len(buyers.of(other))
    least = SENSITIVE_FROM if {said.product_id, other} & sensitive else PRINTED[0]
    wrong = {
        "is no other product": other == said.product_id,
        f"{both} of at least {least} shoppers": both < least,
        f"{both} shoppers, not {said.shoppers}+": said.shoppers != max((n for n in PRINTED if n <= both), default=0),
        f"{both} shoppers are no more than by chance": both * buyers.everybody <= by_chance,
        f"counted at {buyers.counted_at}": not buyers.are_fresh(audit.now),
    }
    faults = [f"{said.product_id} with {other}: {fault}" for fault, is_so in wrong.items() if is_so]
    words = zip(said.anchors, said.events, strict=True)
    return faults + [fault for anchor, event in words for fault in audit.word_faults_of(anchor, event)]


def _promoted(said: Said) -> dict[str, bool]:
    """product_id -> whether it is paid for, asked of the shop again; nothing is promoted beside one product."""
    if said.about:
        return {}
    told = [entry for catalog in registered().values() for entry in catalog.promoted(said.placement, None)]
    return {product_id_of(entry.product): entry.paid for entry in reversed(told)}
