"""What is sent back."""

from ...ml.kinds import Kind
from ...models import RecommenderVersion
from ...models.interaction import MAX_QUERY
from ...models.product import MAX_PRODUCT_ID
from ...serving.placements import PLACEMENTS
from .writing import ANY_OBJECT, FLAG, TEXT, TIME, exactly, many, nullable, number, one_of, ref, words

KINDS = [kind.name.lower() for kind in Kind]
SOURCES = ("recommender", "similar", "together", "popular", "new", "bought", "promoted")
EVENTS = ("bought", "in_basket", "saved", "viewed", "put_in_basket", "taken_out", "searched", "returned")
PRODUCT_ID = words(MAX_PRODUCT_ID)
QUERY = words(MAX_QUERY)

REASON = {
    "kind": one_of("because", "fact", "none"),
    "tier": one_of("P", "T0", "T1", "T2", "T4", "T5"),
    "text": TEXT,
    "anchors": many(ref("Anchor")),
    "verified": FLAG,
    "shoppers": number(1),
}
UNIT = {"type": one_of("product", "query"), "id": TEXT, "title": TEXT}
EVIDENCE = {
    "limit": number(1),
    "rank_before": number(1),
    "rank_after": number(2),
    "margin": nullable({"type": "number"}),
    "share": {"type": "number"},
    "witnesses": many(TEXT),
    "version": number(1),
    "ranks_without_each": many(number(1)),
    "ranks_with_one": many(number(1)),
}
HELD = {
    "since": TIME,
    "last_seen": nullable({"type": "string", "format": "date"}),
    "external_id": nullable(TEXT),
    "personalised": FLAG,
    "erased_at": nullable(TIME),
}
EXPORTED = {
    "kind": one_of(*KINDS),
    "product": TEXT,
    "title": TEXT,
    "query": TEXT,
    "quantity": number(1),
    "occurred_at": TIME,
    "source": one_of("beacon", "server", "import"),
    "list": nullable(TEXT),
    "removed": FLAG,
}
VERSION = {
    "id": number(1),
    "status": one_of(*RecommenderVersion.Status.values),
    "stage": TEXT,
    "progress": {"type": "number", "minimum": 0, "maximum": 1},
    "started_by": TEXT,
    "created_at": TIME,
    "finished_at": nullable(TIME),
    "published_at": nullable(TIME),
    "data": ANY_OBJECT,
    "metrics": ANY_OBJECT,
    "error": TEXT,
}

SCHEMAS = {
    "Detail": exactly(("version",), detail=TEXT, version=number(0)),
    "Errors": exactly(errors=many(exactly(("index",), index=number(0), field=TEXT, message=TEXT), minItems=1)),
    "Anchor": exactly(**UNIT, event=one_of(*EVENTS)),
    "Reason": exactly(("shoppers",), **REASON),
    "Evidence": exactly(("ranks_without_each", "ranks_with_one"), **EVIDENCE),
    "Cause": exactly(("shoppers",), **REASON, evidence=ref("Evidence"), without=many(TEXT)),
    "Price": exactly(amount=TEXT, currency=TEXT),
    "Product": exactly(id=TEXT, title=TEXT, url=TEXT, image=TEXT, price={"nullable": True, "allOf": [ref("Price")]}),
    "Recommendation": exactly(
        rank=number(1),
        score=nullable({"type": "number"}),
        source=one_of(*SOURCES),
        product=ref("Product"),
        reason=ref("Reason"),
        labelled=FLAG,
    ),
    "List": exactly(
        placement=one_of(*PLACEMENTS), version=TEXT, token=TEXT, recommendations=many(ref("Recommendation"))
    ),
    "Why": exactly(
        product=ref("Product"),
        rank=number(1),
        source=one_of(*SOURCES),
        promoted=FLAG,
        changed=one_of("", "list", "version"),
        reason=ref("Reason"),
        causes=many(ref("Cause")),
        remembered=many(ref("Anchor")),
        without=nullable(many(TEXT)),
        comparison={"nullable": True, "allOf": [ref("Comparison")]},
    ),
    "Comparison": exactly(
        product=ref("Product"), for_it=many(ref("Anchor")), for_the_other=many(ref("Anchor")), complete=FLAG
    ),
    "Accepted": exactly(accepted=number(0), duplicates=number(0)),
    "History": exactly(
        history=many(exactly(**UNIT, event=one_of(*EVENTS), last=TIME, events=number(1))),
        removed=many(exactly(**UNIT, removed_at=TIME)),
        interests=many(ref("Interest")),
    ),
    "Interest": exactly(name=TEXT, products=number(1), kind=one_of("category", "brand")),
    "Hidden": exactly(
        hidden=many(exactly(product=TEXT, title=TEXT, fewer_like_it=FLAG, until=TIME, removed_at=nullable(TIME)))
    ),
    "Personalised": exactly(personalised=FLAG),
    "Export": exactly(
        ("exported_at", "interactions", "removed", "hidden", "interests"),
        exported_at=TIME,
        shopper=nullable({"allOf": [exactly(**HELD)]}),
        interactions=many(exactly(**EXPORTED)),
        removed=many(exactly(product=TEXT, query=TEXT, query_hash=TEXT, shown_again=FLAG, removed_at=TIME)),
        hidden=many(exactly(product=TEXT, fewer_like_it=FLAG, until=TIME)),
        interests=many(ref("Interest")),
    ),
    "Versions": exactly(versions=many(exactly(**VERSION))),
}
