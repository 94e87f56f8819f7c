"""What a caller says that happened, read field by field; whom to believe what is decided in capture."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.http import HttpRequest

from ..capture import Event
from ..ml.kinds import Kind
from ..models.product import MAX_PRODUCT_ID
from ..models.texts import is_storable
from ..serving import InvalidToken, open_token
from ..serving.asking import shopper_of
from .errors import BadField

KINDS = {kind.name.lower(): kind for kind in Kind}
FIELDS = ("kind", "product", "query", "event_id", "occurred_at", "quantity", "token", "shopper")
EXAMPLE = 'an object like {"kind": "view", "product": "17"}, or a list of them'
MOST_LETTERS = dict(product=MAX_PRODUCT_ID, query=2_000, event_id=128, shopper=255)


def read_event(request: HttpRequest, sent: Any, index: int | None = None) -> Event:
    """The event in a JSON object. Raises BadField, with the event's `index` in its batch."""
    try:
        return _read(request, sent)
    except BadField as error:
        raise BadField(error.field, error.message, index) from None


def _read(request: HttpRequest, sent: Any) -> Event:
    if not isinstance(sent, Mapping):
        raise BadField.expected("body", EXAMPLE, sent)
    if unknown := sorted(set(sent) - set(FIELDS)):
        raise BadField.expected(str(unknown[0])[:40], f"no such field; there are {', '.join(FIELDS)}")
    name = sent.get("kind")
    if not isinstance(name, str) or name not in KINDS:
        raise BadField.expected("kind", f"one of {', '.join(KINDS)}", name)
    return Event(
        kind=KINDS[name],
        product_id=_product_id(sent),
        query=_text(sent, "query"),
        quantity=_quantity(sent.get("quantity", 1)),
        occurred_at=_time(sent.get("occurred_at")),
        event_id=_text(sent, "event_id"),
        list_id=_list_id(request, sent.get("token")),
        shopper=_text(sent, "shopper"),
    )


def _text(sent: Mapping[str, Any], field: str) -> str:
    value, most = sent.get(field), MOST_LETTERS[field]
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > most or not is_storable(value):
        raise BadField.expected(field, f"text of at most {most} characters", value)
    return value


def _product_id(sent: Mapping[str, Any]) -> str:
    value = sent.get("product")
    # Shops with numeric keys will send numbers.
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return _text(sent, "product")


def _quantity(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 2**31:
        raise BadField.expected("quantity", "a whole number from 1", value)
    return value


def _time(value: Any) -> datetime | None:
    if value is None:
        return None
    try:
        time = datetime.fromisoformat(value)
        # The first and last year can't be moved to UTC.
        if time.tzinfo is not None and time.timestamp() is not None and 1970 <= time.year < 9999:
            return time
    except (TypeError, ValueError, OverflowError):
        pass
    raise BadField.expected("occurred_at", "a time with its offset, like 2026-01-31T18:05:00+01:00", value)


def _list_id(request: HttpRequest, token: Any) -> int | None:
    if not token:
        return None
    if not isinstance(token, str):
        raise BadField.expected("token", "text", token)
    try:
        return open_token(token, shopper_of(request)).list_id
    except InvalidToken:
        # Older than the login or than 30 days, or cut: the event counts, the list it came from is not known.
        return None
