"""The named spots of a shop, and what may be shown in each."""

from dataclasses import dataclass
from enum import Enum

from ..exceptions import UnknownPlacement

# Lists longer than this are not made: a claim about a list needs as many witnesses as the list is long.
MAX_LIMIT = 100


class Basis(Enum):
    """What a list is computed from."""

    HISTORY = "recommender"
    SIMILAR = "similar"
    TOGETHER = "together"


@dataclass(frozen=True)
class Placement:
    """One spot: what its list is computed from, and what it does with products the shopper has bought."""

    name: str
    basis: Basis = Basis.HISTORY
    bought: str = "allowed"  # "allowed", "left out" or "only"

    @property
    def needs_product(self) -> bool:
        """Whether the list is about one product of the page."""
        return self.basis is not Basis.HISTORY


PLACEMENTS = {
    placement.name: placement
    for placement in (
        Placement("home"),
        Placement("new_for_you", bought="left out"),
        Placement("buy_again", bought="only"),
        Placement("cart"),
        Placement("similar", basis=Basis.SIMILAR),
        Placement("bought_together", basis=Basis.TOGETHER),
    )
}


def get_placement(name: str) -> Placement:
    """The placement of that name. Raises UnknownPlacement naming those that exist."""
    try:
        return PLACEMENTS[name]
    except KeyError:
        raise UnknownPlacement(f"placement {name!r}: expected one of {', '.join(PLACEMENTS)}.") from None
