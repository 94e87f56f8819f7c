from dataclasses import dataclass

from ..catalog import Card
from .reasons import Reason


@dataclass(frozen=True)
class Recommendation:
    """One product of a list, as shown, with why."""

    rank: int  # 1 = first
    score: float | None  # of the recommender; None from other sources
    source: str  # "recommender", "similar", "together", "popular", "new", "bought" or "promoted"
    card: Card
    reason: Reason
    is_labelled: bool = True  # whether a row of cards prints the reason; it is as true where it is not printed
    place: int = 0  # its rank if nothing were promoted; 0 when it would not be shown
    is_promoted: bool = False  # whether the shop promotes it: then nothing is said of causes


@dataclass(frozen=True)
class RecommendationList:
    """What a placement shows: best first, empty when there is nothing to show."""

    placement: str
    version: str = ""  # of the recommender, "" when none was asked
    token: str = ""
    recommendations: tuple[Recommendation, ...] = ()
    personal: bool = False  # whether it depends on who asks

    @property
    def product_ids(self) -> list[str]:
        return [recommendation.card.product_id for recommendation in self.recommendations]
