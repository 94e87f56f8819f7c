"""The attribution token: which list an interaction came from, signed and bound to its shopper."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.core import signing

from ..exceptions import RecommendationsError
from ..models import Shopper
from .queries import RecommendationQuery
from .recommendations import RecommendationList

SALT = "recommendations.list"
VALID_FOR = timedelta(days=30)


class InvalidToken(RecommendationsError):
    """A token that we did not sign, that is too old, or that belongs to another shopper."""


@dataclass(frozen=True)
class Token:
    """A shown list: random id, what was asked and what was shown, when."""

    list_id: int
    version: str
    placement: str
    product_id: str | None
    limit: int
    shown: tuple[str, ...]
    time: datetime
    of: str = ""  # the registered model that the list was limited to
    is_row: bool = False  # whether it shows some products of its list only, as rows "Because you viewed X" do

    def change(self, again: RecommendationList) -> str:
        """What differs in the list computed `again`: "version" (another recommender's), "list" (what is shown), or "".

        A list that no recommender made has no version. A row has changed when one of its products is gone from its
        list, or they stand in another order.
        """
        if again.version and self.version and again.version != self.version:
            return "version"
        now = [key for key in again.product_ids if key in self.shown] if self.is_row else again.product_ids
        return "" if now == list(self.shown) else "list"


def seal_list(query: RecommendationQuery, shown: Sequence[str], version: str, is_row: bool = False) -> str:
    """The token of a list just made for `query`: a new random id that fits a signed 64-bit column."""
    list_id = secrets.randbits(63)
    token = Token(
        list_id, version, query.placement, query.product_id, query.limit, tuple(shown), query.now, query.of, is_row
    )
    return seal(token, query.shopper)


def seal(token: Token, shopper: Shopper | None) -> str:
    """The token as sent to the browser; rendering a list writes nothing."""
    values = [
        _owner(shopper),
        token.list_id,
        token.version,
        token.placement,
        token.product_id,
        token.limit,
        token.shown,
        int(token.time.timestamp()),
        token.of,
        token.is_row,
    ]
    return signing.dumps(values, salt=SALT, compress=True)


def open_token(sealed: str, shopper: Shopper | None) -> Token:
    """The list that a token stands for. Raises InvalidToken unless it was made for this shopper within 30 days."""
    try:
        owner, *values, shown, time, of, is_row = signing.loads(sealed, salt=SALT, max_age=VALID_FOR)
    except signing.SignatureExpired as error:
        raise InvalidToken("token: older than 30 days; load the list again.") from error
    except (signing.BadSignature, ValueError) as error:
        raise InvalidToken("token: expected the token of a list that this site served.") from error
    # A list shown before the first event belongs to nobody yet; whoever holds it may use it.
    if owner and owner != _owner(shopper):
        raise InvalidToken("token: it belongs to another shopper.")
    return Token(*values, tuple(shown), datetime.fromtimestamp(time, tz=UTC), of, is_row)


def _owner(shopper: Shopper | None) -> int:
    return shopper.pk if shopper is not None else 0
