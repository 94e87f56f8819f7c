from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property

from django.http import HttpRequest
from django.utils import timezone

from ..catalog import Catalog, catalogs_of, get_catalogs
from ..exceptions import UnknownPlacement
from ..models import Shopper
from .placements import MAX_LIMIT, Basis, Placement, get_placement


@dataclass(frozen=True)
class RecommendationQuery:
    """What a page asks: a placement, for whom, about which product, and how many.

    `without` holds product_ids and `without_queries` searches: the list as it would be had the shopper never met any
    of them. `of` is the name of
    one registered model, when several are and the list is to show no other; what it rests on may be of any. Without
    `promotes` nothing takes a place for being promoted by the shop, without `explains` no cause is looked for.
    Raises UnknownPlacement and ValueError when made with something that can't be answered.
    """

    placement: str
    shopper: Shopper | None = None
    request: HttpRequest | None = None
    limit: int = 10
    product_id: str | None = None
    without: tuple[str, ...] = ()
    without_queries: tuple[str, ...] = ()
    of: str = ""
    promotes: bool = True
    explains: bool = True
    now: datetime = field(default_factory=timezone.now)

    def __post_init__(self) -> None:
        if self.spot.needs_product and not self.product_id:
            raise UnknownPlacement(f"placement {self.placement!r} is about a product: pass product=ID.")
        if not 1 <= self.limit <= MAX_LIMIT:
            raise ValueError(f"limit {self.limit}: expected 1 to {MAX_LIMIT}.")
        if isinstance(self.without, str):
            raise TypeError(f"without {self.without!r}: expected a tuple of product_ids.")
        if self.of and self.catalog is None:
            names = ", ".join(catalog.name for catalog in get_catalogs())
            raise UnknownPlacement(f"of {self.of!r}: expected the name of a registered model: {names}.")

    def without_units(self, units: Iterable[tuple[str, str]]) -> "RecommendationQuery":
        """What would be asked had the shopper never met these: (type, id) as anchors have them."""
        named: dict[str, list[str]] = {"product": [], "query": []}
        for type, id in units:
            named[type].append(id)
        return replace(self, without=tuple(named["product"]), without_queries=tuple(named["query"]))

    @property
    def spot(self) -> Placement:
        return get_placement(self.placement)

    @cached_property
    def catalog(self) -> Catalog | None:
        """Whose products the list may show; None when any registered model's will do. Alike is only what is of one."""
        if self.of:
            return next((catalog for catalog in get_catalogs() if catalog.name == self.of), None)
        if self.spot.basis is Basis.SIMILAR and len(get_catalogs()) > 1:
            return catalogs_of([str(self.product_id)])[0]
        return None
