import json
import secrets
import time
from collections.abc import Iterator
from http.client import HTTPConnection

from ..judging import Outcome
from ..load import BEACON
from ..stand import Stand

EVENTS, OF_A_COOKIE = 1_000_000, 5
OTHERS = 1_000
SHOPPERS = """
INSERT INTO recommendations_shopper (key_hash, personalised, created_at)
SELECT md5(number::text) || md5('poison' || number), true, now() FROM generate_series(1, {cookies}) AS number
"""
INTERACTIONS = """
INSERT INTO recommendations_interaction
    (shopper_id, product_id, kind, source, quantity, query, occurred_at, list_id, event_key)
SELECT shopper.id, product.id, (ARRAY[1, 3, 4])[1 + turn % 3], 1, 1, '', now() - turn * interval '1 minute', NULL, turn
FROM recommendations_shopper AS shopper
CROSS JOIN generate_series(1, {each}) AS turn
CROSS JOIN (SELECT max(id) AS id FROM recommendations_product) AS product
WHERE shopper.id > {after}
"""


def happen(stand: Stand) -> Iterator[Outcome]:
    """One address sends with ever new cookies; then a million events are there, past the throttles, and it retrains."""
    throttled = Outcome("one address, new cookies, 20 s")
    accepted, refused = _send(stand, 20)
    throttled.accepted, throttled.otherwise = accepted, refused
    throttled.check(accepted <= 1_200, "more than 1,200 events a minute came through")
    throttled.check(refused > 0, "nothing was refused")
    yield throttled
    poisoned = Outcome(f"{EVENTS:,} made-up events, retrained")
    stand.train()
    before = _shown()
    after = stand.database.say("SELECT max(id) FROM recommendations_shopper")[0][0]
    stand.database.say(SHOPPERS.format(cookies=EVENTS // OF_A_COOKIE))
    stand.database.say(INTERACTIONS.format(each=OF_A_COOKIE, after=after))
    counted = f"SELECT count(*) FROM recommendations_interaction WHERE shopper_id > {after}"
    poisoned.accepted = stand.database.say(counted)[0][0]
    stand.train(600)
    lists, popular = _shown()
    changed = sum(mine != theirs for mine, theirs in zip(before[0], lists, strict=True))
    poisoned.pages, poisoned.failed = len(lists), changed
    poisoned.check(poisoned.accepted == EVENTS, f"{poisoned.accepted} events were stored")
    poisoned.check(changed == 0, f"{changed} of {len(lists)} top tens changed")
    poisoned.check(popular == before[1], "what is popular changed")
    yield poisoned


def _send(stand: Stand, seconds: float) -> tuple[int, int]:
    """(accepted, refused) events: batches, each from a new visitor, all from one address."""
    accepted = refused = 0
    until = time.monotonic() + seconds
    headers = {
        "Content-Type": "text/plain",
        "Sec-Fetch-Site": "same-origin",
        "User-Agent": "Mozilla/5.0 (X11; Linux) Firefox/140",
    }
    while time.monotonic() < until:
        size = 1 + (accepted + refused) % 100
        batch = [{"kind": "view", "product": stand.products[-1], "event_id": secrets.token_hex(8)} for _ in range(size)]
        connection = HTTPConnection("127.0.0.1", stand.web.port, timeout=30)
        # The last entry is the proxy's; the first is what the caller invented.
        invented = f"203.0.113.{secrets.randbelow(250)}, 198.51.100.7"
        connection.request("POST", BEACON, json.dumps(batch), {**headers, "X-Forwarded-For": invented})
        status = connection.getresponse().status
        connection.close()
        accepted, refused = accepted + size * (status == 201), refused + size * (status == 429)
    return accepted, refused


def _shown() -> tuple[list[list[str]], list[str]]:
    """The top ten of each of the other shoppers, and what is popular."""
    from django.db import connections

    from recommendations.models import ProductPopularity, Shopper
    from recommendations.publishing import forget
    from recommendations.serving import RecommendationQuery, recommend

    connections.close_all()
    forget()
    others = Shopper.objects.filter(external_id__isnull=False).order_by("pk")[:OTHERS]
    lists = [recommend(RecommendationQuery("home", shopper, limit=10)).product_ids for shopper in others]
    return lists, [str(row.product.product_id) for row in ProductPopularity.objects.ranked(20)]
