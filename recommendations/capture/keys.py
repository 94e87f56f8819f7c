"""What makes an interaction the same one when it arrives again: a 64-bit key, unique within its shopper."""

from datetime import datetime
from hashlib import blake2b

# Without an id from the client, the same thing done to the same product is one interaction within the same half minute
# of the clock: these are fixed, so 10:00:29 and 10:00:31 are two.
SECONDS_TOGETHER = 30


def event_key(*identity: object) -> int:
    """A signed 64-bit hash of what identifies an interaction."""
    return _hashed("\x1f".join(map(str, identity)))


def _hashed(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(errors="surrogatepass"), digest_size=8).digest(), "big", signed=True)


def key_of_event(source: int, event_id: str) -> int:
    """The client named the event. Each source has its own names: a browser can't take that of a coming order."""
    return event_key("event", int(source), event_id)


def key_of_moment(kind: int, about: str, occurred_at: datetime) -> int:
    """Nobody named the event; `about` is the product_id or the query."""
    return event_key("moment", int(kind), about, int(occurred_at.timestamp()) // SECONDS_TOGETHER)


def key_of_order_line(order: str, kind: int, product_id: str) -> int:
    """A product of an order, recorded live or imported: it is the same line."""
    return event_key("order", order, int(kind), product_id)


def key_of_row(kind: int, product_id: str, query: str, seconds: int) -> int:
    """A row of an import that names no order."""
    # Once for each row of a file: written out, event_key("row", ...) in half the time.
    return _hashed(f"row\x1f{int(kind)}\x1f{product_id}\x1f{query}\x1f{seconds}")
