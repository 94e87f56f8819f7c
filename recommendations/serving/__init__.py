"""From a shopper's history to a list with reasons."""

from .causes import Why, why
from .queries import RecommendationQuery
from .reasons import Anchor, Because, Fact, NoReason
from .recommendations import Recommendation, RecommendationList
from .recommending import recommend
from .rows import BecauseRow, because_rows
from .tokens import InvalidToken, Token, open_token
from .warming import warm_up

__all__ = [
    "Anchor",
    "Because",
    "BecauseRow",
    "Fact",
    "InvalidToken",
    "NoReason",
    "Recommendation",
    "RecommendationList",
    "RecommendationQuery",
    "Token",
    "Why",
    "because_rows",
    "open_token",
    "recommend",
    "warm_up",
    "why",
]
