"""The page "Why these recommendations?" tells what serves the shop, number by number."""

import json
import re
from dataclasses import replace

import pytest

from recommendations.models import Interaction, Product
from recommendations.serving import RecommendationQuery, inspection, recommend
from tests.admin.why_page import EVENTS, Tables, number, text_of, told, url


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


def test_what_the_product_rests_on_stands_in_the_order_of_the_download(staff, shopper):
    client = staff("view_history")
    steps = told(client, shopper)["rests_on"]
    table = next(table for table in Tables(text_of(client.get(url(shopper)))).found if table[0][0] == "Taken away")
    assert [row[0].rsplit(" ", 1)[0] for row in table[1:]] == [step["unit"]["title"] for step in steps]
    assert [number(row[1]) for row in table[1:]] == [round(step["effect"], 3) for step in steps]
    assert [row[2] for row in table[1:]] == [str(step["place"]) for step in steps]
    assert len(steps) > 1


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

    make_list = inspection.make_list

    def lie(*made_of):
        found = make_list(*made_of)
        entries = [
            replace(entry, reason=replace(entry.reason, anchors=other)) if entry.rank == liar.rank else entry
            for entry in found.recommendations
        ]
        return replace(found, recommendations=tuple(entries))

    monkeypatch.setattr(inspection, "make_list", lie)
    html = text_of(staff("view_history").post(url(shopper)))
    assert " checked, 1 false." in html
    assert f"<strong>{liar.card.title}</strong>" in html
    assert f"without {other[0].id}" in html


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
