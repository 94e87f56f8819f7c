"""The page "Why these recommendations?": who may look, what it tells, and that nobody looks unnoticed."""

import json
import logging
import re
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.test import override_settings
from django.urls import reverse
from django.utils import timezone

from recommendations.catalog import sync_catalog
from recommendations.ml.kinds import Kind
from recommendations.models import Interaction, Product, RecommenderVersion, Shopper
from recommendations.publishing import forget
from recommendations.serving import RecommendationQuery, recommend
from recommendations.serving.looking import inspection as inspection_module
from tests.published import publish_made_artifact
from tests.shop.models import Book

# Oldest first; of the made artifact's 40 products.
EVENTS = [(3, Kind.PURCHASE), (5, Kind.PURCHASE), (8, Kind.VIEW), (13, Kind.SAVE), (21, Kind.VIEW), (22, Kind.VIEW)]


@pytest.fixture
def shopper(db):
    """A user of the shop's, with a published version and a history of six products."""
    Book.objects.bulk_create(Book(name=f"Book {k}") for k in range(1, 41))
    sync_catalog()
    publish_made_artifact()
    user = get_user_model().objects.create(email="bea@example.org", **{get_user_model().USERNAME_FIELD: "beatrice"})
    shopper = Shopper.objects.create(user=user)
    products = list(Product.objects.order_by("pk"))
    for age, (place, kind) in enumerate(EVENTS):
        Interaction.objects.create(
            shopper=shopper,
            product=products[place],
            kind=kind,
            source=Interaction.Source.SERVER,
            occurred_at=timezone.now() - timedelta(hours=len(EVENTS) - age),
            event_key=age,
        )
    return shopper


def url(shopper, **query):
    return reverse("admin:recommendations_why", args=[shopper.pk], query=query)


def text_of(response):
    """The page without the admin's frame."""
    assert response.status_code == 200
    return response.content.decode().split('id="content"')[1].split("<footer")[0]


def told(client, shopper, **query):
    return client.get(url(shopper, format="json", **query)).json()


class Tables(HTMLParser):
    """Every table of a page as rows of cells, by its caption or the heading above it."""

    def __init__(self, html):
        super().__init__()
        self.found, self._cell = [], None
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        if tag == "table":
            self.found.append([])
        elif tag == "tr":
            self.found[-1].append([])
        elif tag in ("td", "th"):
            self._cell = []

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self.found[-1][-1].append(" ".join(" ".join(self._cell).split()))
            self._cell = None

    def handle_data(self, data):
        if self._cell is not None:
            self._cell.append(data)


def number(cell):
    """What a signed number says."""
    return float(cell.split()[0].replace("\N{MINUS SIGN}", "-"))


def test_it_needs_its_own_permission(staff, shopper):
    client = staff("view_shopper", "view_interaction", "retrain", "publish")
    for response in (client.get(url(shopper)), client.post(url(shopper)), client.get(url(shopper, format="json"))):
        assert response.status_code == 403
    assert not LogEntry.objects.exists()


def test_strangers_are_sent_to_the_login(client, shopper):
    assert client.get(url(shopper)).url.startswith(reverse("admin:login"))


def test_it_is_reached_from_the_shopper(staff, shopper):
    client = staff("view_history")
    for page, args in (("changelist", []), ("change", [shopper.pk])):
        assert f'href="{url(shopper)}"' in text_of(
            client.get(reverse(f"admin:recommendations_shopper_{page}", args=args))
        )


def test_unknown_shoppers_are_not_found(staff, db):
    assert staff("view_history").get(reverse("admin:recommendations_why", args=[4711])).status_code == 404


def test_every_look_is_logged_by_product_and_placement(staff, shopper, caplog):
    client, product_id = staff("view_history"), Product.objects.last().product_id
    with caplog.at_level(logging.INFO, "recommendations"):
        client.get(url(shopper))
        client.get(url(shopper, placement="cart", limit=5, product=product_id))
        client.get(url(shopper, format="json"))
        client.post(url(shopper))
    entries = LogEntry.objects.order_by("pk")
    assert {(entry.object_id, entry.object_repr) for entry in entries} == {(str(shopper.pk), f"shopper {shopper.pk}")}
    assert [entry.get_change_message() for entry in entries] == [
        "Looked into the recommendations: Home page, 10 products.",
        f"Looked into the recommendations: Basket, 5 products; product {product_id}.",
        "Looked into the recommendations: Home page, 10 products.",
        "Looked into the recommendations: Home page, 10 products.",
    ]
    history = reverse("admin:recommendations_shopper_history", args=[shopper.pk])
    assert f'href="{history}"' in text_of(client.get(url(shopper)))
    assert "Looked into the recommendations: Basket" in client.get(history).content.decode()
    lines = [record.getMessage() for record in caplog.records]
    assert lines == [
        f"Somebody of the staff looked into a shopper's list (placement {p})" for p in ("home", "cart", "home", "home")
    ]


def test_shoppers_are_numbers(staff, shopper):
    client = staff("view_history")
    pages = text_of(client.get(url(shopper))) + client.get(url(shopper, format="json")).content.decode()
    pages += " ".join(entry.object_repr + entry.change_message for entry in LogEntry.objects.all())
    assert f"shopper {shopper.pk}" in pages
    for secret in ("beatrice", "bea@", "example.org"):
        assert secret not in pages


def test_the_list_is_the_one_served(staff, shopper):
    client = staff("view_history")
    query = RecommendationQuery("new_for_you", shopper, limit=7)
    served = recommend(query)
    rows = Tables(text_of(client.get(url(shopper, placement="new_for_you", limit=7)))).found[0][1:]
    assert [row[1] for row in rows] == [entry.card.title for entry in served.recommendations]
    assert [row[2] for row in rows] == [entry.reason.text or "–" for entry in served.recommendations]
    assert "T1" in [row[3] for row in rows]
    shown = told(client, shopper, placement="new_for_you", limit=7)["shown"]
    assert [entry["product_id"] for entry in shown] == served.product_ids


def test_the_heat_map_on_the_page_holds_the_numbers_of_the_download(staff, shopper):
    client = staff("view_history")
    html, heat = text_of(client.get(url(shopper))), told(client, shopper)["heat"]
    table = next(table for table in Tables(html).found if table[0][0].startswith("In the history"))
    header, *rows, totals = table
    assert header[1:] == [*heat["titles"], "Total"]
    assert len(rows) == len(EVENTS)
    assert rows[0][0] == "Book 23 viewed, 1 hour ago"
    for row, expected in zip(rows, heat["rows"], strict=True):
        assert row[0].startswith(expected["unit"]["title"])
        assert [number(cell) for cell in row[1:-1]] == [round(cell["effect"], 2) for cell in expected["cells"]]
        assert ["T1" in cell for cell in row[1:-1]] == [cell["tier"] == "T1" for cell in expected["cells"]]
        assert number(row[-1]) == round(expected["total"], 2)
    assert [number(cell) for cell in totals[1:]] == [round(total, 2) for total in (*heat["totals"], heat["total"])]
    assert "leaves the list without it" in html


def test_tables_can_be_read_by_a_screen_reader(staff, shopper):
    html = text_of(staff("view_history").get(url(shopper, sandbox=1)))
    assert "<th>" not in html
    assert html.count('role="region" tabindex="0"') == html.count("<table")
    assert html.count('<th scope="row">') > 20


def test_the_path_adds_up_on_the_page(staff, shopper):
    client = staff("view_history")
    found = told(client, shopper)["path"]
    terms = found["terms"]
    assert sum(terms[part] for part in ("network", "bias", "table", "repeats")) == pytest.approx(
        terms["total"], abs=1e-4
    )
    assert terms["total"] == pytest.approx(
        recommend(RecommendationQuery("home", shopper)).recommendations[0].score, abs=1e-4
    )
    html = text_of(client.get(url(shopper)))
    values = re.findall(r"<dd>([+−]?[\d.]+)</dd>", html)[:5]
    assert [float(value.replace("−", "-")) for value in values] == [
        round(terms[part], 3) for part in ("network", "bias", "table", "repeats", "total")
    ]


def test_why_not_tells_the_filter_and_the_gap(staff, shopper):
    client, seen = staff("view_history"), Product.objects.order_by("pk")[21]
    html = text_of(client.get(url(shopper, product=seen.product_id)))
    assert f"Why not {seen.title}?" in html
    assert "Met before, not bought: yes, so it is left out" in html
    assert "It would not be shown anyway" in html
    gap = told(client, shopper, product=seen.product_id)["contrast"]["gap"]
    assert f"minus its own: {'+' if gap > 0 else '−'}{abs(gap):.3f}." in html


def test_the_sandbox_shows_the_list_without_what_is_unticked(staff, shopper):
    client = staff("view_history")
    units = told(client, shopper)["units"]
    assert text_of(client.get(url(shopper))).count(" checked") == len(EVENTS)
    kept = [unit["mark"] for unit in units[1:]]
    html = text_of(client.get(url(shopper, sandbox=1, keep=kept)))
    assert html.count('name="keep"') == len(EVENTS)
    assert html.count(" checked") == len(EVENTS) - 1
    after = recommend(RecommendationQuery("home", shopper, without=(units[0]["key"],)))
    table = next(table for table in Tables(html).found if table[0][0] == "Then")
    shown = [row for row in table[1:] if row[0] != "–"]
    assert [row[1] for row in shown] == [entry.card.title for entry in after.recommendations]
    assert any(row[3] == "gone" for row in table) and any(row[3] == "new" for row in table)
    assert Interaction.objects.filter(shopper=shopper).count() == len(EVENTS)


def test_addresses_do_not_say_what_was_met(staff, shopper):
    html = text_of(staff("view_history").get(url(shopper)))
    marks = re.findall(r'name="keep" value="([^"]*)"', html)
    assert not set(marks) & set(Product.objects.values_list("product_id", flat=True))
    assert len("&keep=".join(marks * 34)) < 4_000  # 200 units: more than a list can rest on


def test_verify_now_finds_every_reason_true(staff, shopper):
    html = text_of(staff("view_history").post(url(shopper)))
    causal = [e for e in recommend(RecommendationQuery("home", shopper)).recommendations if e.reason.kind == "because"]
    assert len(causal) > 2
    assert f"{len(causal)} checked, 0 false." in html


def test_verify_now_finds_a_planted_false_reason(staff, shopper, monkeypatch):
    true = recommend(RecommendationQuery("home", shopper))
    causal = [entry for entry in true.recommendations if entry.reason.tier == "T1"]
    named = {anchor.id for entry in causal for anchor in entry.reason.anchors}
    liar = next(entry for entry in causal if {a.id for a in entry.reason.anchors} != named)
    other = next(e.reason.anchors for e in causal if e.reason.anchors != liar.reason.anchors)

    def lie(query):
        found = recommend(query)
        entries = [
            replace(entry, reason=replace(entry.reason, anchors=other)) if entry.rank == liar.rank else entry
            for entry in found.recommendations
        ]
        return replace(found, recommendations=tuple(entries))

    monkeypatch.setattr(inspection_module, "recommend", lie)
    html = text_of(staff("view_history").post(url(shopper)))
    assert " checked, 1 false." in html
    assert f"<strong>{liar.card.title}</strong>" in html
    assert f"without {other[0].id}" in html


def test_verify_now_is_safe_from_other_sites(staff, shopper):
    client = staff("view_history")
    client.handler.enforce_csrf_checks = True
    assert client.post(url(shopper)).status_code == 403


def test_attention_is_behind_a_switch_and_no_reason(staff, shopper):
    html = text_of(staff("view_history").get(url(shopper)))
    hidden = re.search(r"<details class=\"rec-details\"><summary>Show the attention.*?</details>", html, re.DOTALL)[0]
    assert "<caption>Where the network looked, not a reason</caption>" in hidden
    assert "Kendall&#x27;s tau" in hidden or "Kendall's tau" in hidden
    assert html.count("<caption>Where the network looked") == 1


def test_the_download_is_the_page(staff, shopper):
    client, last = staff("view_history"), Product.objects.last().product_id
    response = client.get(url(shopper, format="json", product=last))
    assert response["Content-Disposition"] == f'attachment; filename="why-shopper-{shopper.pk}.json"'
    found = json.loads(response.content)
    html = text_of(client.get(url(shopper, product=last)))
    assert "format=json" in html
    assert (found["shopper"], found["placement"], found["limit"], found["gap"]) == (shopper.pk, "home", 10, "")
    context = client.get(url(shopper, product=last)).context["look"]
    assert [entry["score"] for entry in found["shown"]] == [entry.score for entry in context.shown]
    assert found["path"]["filters"] == [{"name": f.name, "leaves_out": f.leaves_out} for f in context.path.filters]
    assert found["attention"]["tau"] == context.attention.tau
    assert [a["part"] for a in found["ablations"]] == [a.part for a in context.ablations]
    assert found["version"]["files"] == context.version.files
    for value in (found["version"]["artifact_sha256"], *found["version"]["files"].values()):
        assert value in html


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"placement": "attic"}, "Select a valid choice. attic is not one of the available choices."),
        ({"limit": "0"}, "Ensure this value is greater than or equal to 1."),
        ({"limit": "many"}, "Enter a whole number."),
        ({"product": "nothing"}, "No product of the shop has the id “nothing”."),
    ],
)
def test_what_can_not_be_asked_is_told(staff, shopper, query, message):
    html = text_of(staff("view_history").get(url(shopper, **query)))
    assert message in html
    assert "The list now" not in html
    assert not LogEntry.objects.exists()


def test_without_a_version_the_page_says_so(staff, shopper):
    RecommenderVersion.objects.all().delete()
    forget()
    html = text_of(staff("view_history").get(url(shopper)))
    assert "No version can serve: nothing is published yet" in html
    assert "The list now" in html


def test_a_stranger_to_the_recommender_is_told(staff, shopper):
    html = text_of(staff("view_history").get(url(Shopper.objects.create())))
    assert "can read nothing of this shopper&#x27;s history" in html
    assert "new products" in html


def test_who_opted_out_is_not_looked_into(staff, shopper):
    Shopper.objects.update(personalised=False)
    client = staff("view_history")
    html = text_of(client.get(url(shopper)))
    assert "switched personalisation off" in html
    found = told(client, shopper)
    assert (found["units"], found["heat"], found["shopper"]) == ([], None, shopper.pk)


@override_settings(RECOMMENDATIONS={"STRICT": False})
def test_files_that_can_not_be_read_break_nothing(staff, shopper, monkeypatch, caplog):
    RecommenderVersion.objects.update(artifact_sha256="0" * 64)
    forget()
    client = staff("view_history")
    assert "No version can serve" in text_of(client.get(url(shopper)))

    def fail(*_):
        raise OSError("disk gone")

    monkeypatch.setattr("recommendations.admin.why.look", fail)
    for response in (client.get(url(shopper)), client.post(url(shopper)), client.get(url(shopper, format="json"))):
        assert "This could not be computed: the log says why." in text_of(response)
    assert "disk gone" in caplog.text


def test_the_page_needs_nothing_inline(staff, shopper):
    client = staff("view_history")
    html = text_of(client.post(url(shopper, sandbox=1, product=Product.objects.last().product_id)))
    assert "style=" not in html
    assert "onclick" not in html
