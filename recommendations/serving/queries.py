from dataclasses import dataclass, field
from datetime import datetime

from django.http import HttpRequest
from django.utils import timezone

from ..exceptions import UnknownPlacement
from ..models import Shopper
from .placements import MAX_LIMIT, Placement, get_placement


@dataclass(frozen=True)
class RecommendationQuery:
    """What a page asks: a placement, for whom, about which product, and how many.

    `without` is a product_id: the list as it would be had the shopper never met that product.
    Raises UnknownPlacement and ValueError when made with something that can't be answered.
    """

    placement: str
    shopper: Shopper | None = None
    request: HttpRequest | None = None
    limit: int = 10
    product_id: str | None = None
    without: str | None = None
    now: datetime = field(default_factory=timezone.now)

    def __post_init__(self) -> None:
        if self.spot.needs_product and not self.product_id:
            raise UnknownPlacement(f"placement {self.placement!r} is about a product: pass product=ID.")
        if not 1 <= self.limit <= MAX_LIMIT:
            raise ValueError(f"limit {self.limit}: expected 1 to {MAX_LIMIT}.")

    @property
    def spot(self) -> Placement:
        return get_placement(self.placement)
