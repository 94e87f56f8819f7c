"""What makes a fuzzed caller like a browser: it keeps its cookies, and asks about products that there are."""

import os
from datetime import UTC, datetime
from http.cookies import SimpleCookie
from zlib import crc32

import requests
import schemathesis
from schemathesis.generation import GenerationMode

OFF = "recommendations_off"
ON = {"personalised": True}
SWITCHES = ("/me/", "/personalisation/")
CSRF = "f" * 32
COOKIES: dict[str, str] = {}


@schemathesis.hook
def before_call(context, case, kwargs):
    if case.meta is not None and case.meta.generation.mode is GenerationMode.POSITIVE:
        _make_likely(case)
    if os.environ["FUZZ_LOGIN"] == "system":
        return
    case.headers.setdefault("Sec-Fetch-Site", "same-origin")
    case.headers["X-CSRFToken"] = CSRF
    cookies = {**COOKIES, "csrftoken": CSRF}
    if os.environ["FUZZ_LOGIN"] == "shopper":
        cookies["sessionid"] = os.environ["FUZZ_SESSION"]
    case.headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())


@schemathesis.hook
def after_call(context, case, response):
    for line in response.headers.get("set-cookie", []):
        for name, morsel in SimpleCookie(line).items():
            COOKIES[name] = morsel.value
    for name in [name for name, value in COOKIES.items() if not value]:
        del COOKIES[name]
    if case.operation.path in SWITCHES:
        _switch_on(case)


def _switch_on(case):
    """Whoever is paused is answered shortly and reaches little."""
    COOKIES.pop(OFF, None)
    auth = tuple(os.environ["FUZZ_SYSTEM"].split(":")) if os.environ["FUZZ_LOGIN"] == "system" else None
    requests.put(f"{case.operation.base_url}/personalisation/", json=ON, headers=case.headers, auth=auth, timeout=10)


def _make_likely(case):
    """Most valid requests name no product of the catalog, and tell of a year that no browser may tell of."""
    if isinstance(case.query, dict) and case.query.get("product"):
        case.query["product"] = _known(case.query["product"])
    events = case.body if isinstance(case.body, list) else [case.body]
    for event in events:
        if isinstance(event, dict) and isinstance(event.get("product"), str):
            event["product"] = _known(event["product"])
        if isinstance(event, dict) and "kind" in event and _chance(repr(event), 3):
            _make_acceptable(event)


def _make_acceptable(event):
    if event["kind"] == "search":
        event.update(product=None, query=event.get("query") or "book 1")
    elif not event.get("product"):
        event["product"] = _known(event["kind"])
    if event.get("occurred_at"):
        event["occurred_at"] = datetime.now(UTC).isoformat()
    if os.environ["FUZZ_LOGIN"] != "system":
        event.pop("shopper", None)


def _known(product):
    """Mostly an id of the catalog, the same one for the same text."""
    return str(crc32(product.encode(errors="replace")) % 40 + 1) if _chance(product, 4) else product


def _chance(text, times):
    """No for one text in so many."""
    return crc32(text.encode(errors="replace")) % times > 0
