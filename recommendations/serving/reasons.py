"""What may be said of a recommendation. A causal reason can't be made without its evidence."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from django.template.loader import render_to_string
from django.utils import timezone

from ..boundary import never_break
from ..ml.reasons import witnesses_needed

# What a fact may say, and its tier.
FACTS = {
    "bought": "T5",
    "popular_this_week": "T5",
    "new": "T5",
    "bought_together": "T4",
    "promoted": "P",
    "sponsored": "P",
}
# Numbers of shoppers that are printed, as in "20+": what was counted is rounded down to one of them.
ROUNDED = (5, 10, 20, 50, 100)


def rounded_down(shoppers: int) -> int:
    """The largest number that may be printed of so many shoppers; 0 when they are too few."""
    return max((step for step in ROUNDED if step <= shoppers), default=0)


@dataclass(frozen=True)
class Anchor:
    """The past product or search that a reason names, and the strongest true thing the shopper did with it."""

    id: str
    title: str
    event: str  # one of memory.EVENT_ORDER
    type: str = "product"  # or "query", its id then being its text

    @property
    def unit(self) -> tuple[str, str]:
        """(type, id): tells a product from a search of the same name."""
        return self.type, self.id


@dataclass(frozen=True)
class Evidence:
    """The proof of a "because": without the anchor, `rank_after` > `limit`, shown by live witnesses."""

    limit: int
    rank_before: int
    rank_after: int  # at least
    margin: float | None  # None when the list without the anchor is not scored (an empty history)
    share: float
    witnesses: tuple[str, ...]  # product_ids that this shopper can buy and that rank above it without the anchor
    version: int

    def __post_init__(self) -> None:
        needed = witnesses_needed(self.rank_before, self.limit)
        if not self.rank_before <= self.limit < self.rank_after:
            raise ValueError(f"ranks {self.rank_before} -> {self.rank_after} do not leave a list of {self.limit}.")
        if len(set(self.witnesses)) < needed:
            raise ValueError(f"{len(set(self.witnesses))} witnesses: this claim needs {needed}.")


@dataclass(frozen=True)
class EitherEvidence(Evidence):
    """The proof of "either would be enough": without both anchors it is out, without either alone it stays."""

    ranks_without_each: tuple[int, int]  # at most; in the order of the anchors

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.ranks_without_each) != 2 or max(self.ranks_without_each) > self.limit:
            raise ValueError(f"ranks {self.ranks_without_each}: expected two within a list of {self.limit}.")


@dataclass(frozen=True)
class AnyEvidence(Evidence):
    """The proof of "any one would be enough": without all three anchors it is out, with any of them it stays."""

    ranks_with_one: tuple[int, int, int]  # at most, with each alone of the three; in the order of the anchors

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.ranks_with_one) != 3 or max(self.ranks_with_one) > self.limit:
            raise ValueError(f"ranks {self.ranks_with_one}: expected three within a list of {self.limit}.")


# How many products and searches each kind of proof is about.
ANCHORS = {Evidence: 1, EitherEvidence: 2, AnyEvidence: 3}


@dataclass(frozen=True)
class Because:
    """ "Because you viewed X": true, since the ranking made again without X drops the product.

    With two anchors and an EitherEvidence, or three and an AnyEvidence: it drops the product without all of them, but
    not without fewer.
    """

    anchors: tuple[Anchor, ...]
    evidence: Evidence
    kind: ClassVar[str] = "because"
    verified: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not isinstance(self.evidence, Evidence):
            raise TypeError(f"evidence {self.evidence!r}: a causal reason needs an Evidence.")
        if not self.anchors:
            raise ValueError("a causal reason names at least one anchor.")
        expected = ANCHORS[type(self.evidence)]
        if len({anchor.unit for anchor in self.anchors}) != len(self.anchors) or len(self.anchors) != expected:
            names = ", ".join(anchor.id for anchor in self.anchors)
            raise ValueError(f"anchors {names}: this evidence is about {expected}.")

    @property
    def tier(self) -> str:
        return "T1" if len(self.anchors) == 1 else "T2"

    @property
    def label(self) -> tuple[object, ...]:
        """Equal for reasons that print the same words, whatever the language."""
        return (self.kind, *(anchor.unit for anchor in self.anchors))

    @property
    def text(self) -> str:
        return _sentence(("because", "because_either", "because_any")[len(self.anchors) - 1], self)


@dataclass(frozen=True)
class Fact:
    """A plain fact about the product, which does not say why it was chosen; or whose wish it is to show it."""

    fact: str  # one of FACTS
    when: datetime | None = None  # of "bought"
    anchors: tuple[Anchor, ...] = ()
    evidence: None = field(default=None, init=False)
    shoppers: int = 0  # of "bought_together": at least so many, one of ROUNDED
    kind: ClassVar[str] = "fact"
    verified: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.fact not in FACTS:
            raise ValueError(f"fact {self.fact!r}: expected one of {', '.join(FACTS)}.")
        if self.shoppers not in (ROUNDED if self.fact == "bought_together" else (0,)):
            raise ValueError(f"{self.fact} with {self.shoppers} shoppers: expected {rounded_down(self.shoppers)}.")

    @property
    def tier(self) -> str:
        return FACTS[self.fact]

    @property
    def label(self) -> tuple[object, ...]:
        """Equal for facts that print the same words, whatever the language, or that differ in a number about the same
        product only. () where each is to be printed: the shop's own wish."""
        if self.tier == "P":
            return ()
        if self.anchors:
            return (self.fact, *(anchor.unit for anchor in self.anchors))
        when = timezone.localtime(self.when) if self.when else None
        return (self.fact, self.shoppers, when and (when.year, when.month))

    @property
    def text(self) -> str:
        return _sentence("fact", self)


@dataclass(frozen=True)
class NoReason:
    """Nothing true can be said of single products."""

    anchors: tuple[Anchor, ...] = ()
    evidence: None = field(default=None, init=False)
    tier: str = "T0"
    kind: ClassVar[str] = "none"
    verified: ClassVar[bool] = False
    label: ClassVar[tuple[object, ...]] = ()
    text: ClassVar[str] = ""


Reason = Because | Fact | NoReason


@never_break(fallback=lambda template, reason: "", queries=False)
def _sentence(template: str, reason: Because | Fact) -> str:
    """The words, from a template that a shop can override and translate; "" where the shop's own fails."""
    return " ".join(render_to_string(f"recommendations/reasons/{template}.txt", {"reason": reason}).split())
