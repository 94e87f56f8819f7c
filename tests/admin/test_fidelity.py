"""How true a version's reasons are, on its page: figures, plots, and the versions before."""

import pytest
from django.urls import reverse

from recommendations.admin.fidelity import TIERS, FidelityTable, fidelity_facts, fidelity_tables, trend
from recommendations.auditing import plots
from recommendations.auditing.plots import draw_plots
from recommendations.models import RecommenderVersion

GATE = {
    "claims": 1_200,
    "false": 0,
    "facts": 90,
    "false_facts": 1,
    "pairs": 40,
    "not_minimal": 0,
    "predictions": 240,
    "different": 0,
    "shoppers": 77,
    "visitors": 15,
    "coverage": {"1": {"T1": 0.75, "T0": 0.25}, "2-4": {"T1": 0.5, "T2": 0.5}},
    "covered": {"1": 40, "2-4": 120},
    "delp@1": {"ours": -1.0},
    "latency_ms": {"lists": 50, "p50": 2.5, "p99": 4.0},
    "seconds": 12.0,
    "training_seconds": 60.0,
}
REPORT = {
    "false_reason_rate_on_claims": {
        "last_viewed": {"strict": 0.25, "lenient": 0.125},
        "ours": {"strict": 0.0, "lenient": 0.0},
    },
    "coverage": GATE["coverage"],
    "coverage_by_event": {"purchase": {"T1": 0.875, "T0": 0.125}},
    "pos": {"ours": {"1": 0.1, "2": 0.05}, "random": {"1": 0.9, "2": 0.8}},
    "delp": {"ours": {"1": -2.0}},
    "insp": {},
    "naopc": {"ours": 0.995},
    "specificity": 0.6,
    "stability": {"same_input": 1.0, "another_event": 0.9},
    "sanity": {"agreement": 0.4, "chance": 0.35},
    "latency_ms": {"lists": 70, "p50": 3.0, "p99": 6.0},
}


def test_what_must_be_true_is_counted():
    exact, coverage = fidelity_tables({"gate": GATE})
    assert exact.columns == ("checked", "false")
    assert [cells for _, cells in exact.rows] == [("1,200", "0"), ("90", "1"), ("40", "0"), ("240", "0")]
    assert coverage.columns == ("none (T0)", "one cause (T1)", "either of two (T2)")
    assert coverage.rows == (("1", ("25.0%", "75.0%", "0.0%")), ("2-4", ("0.0%", "50.0%", "50.0%")))


def test_the_report_stands_ours_first():
    tables = {table.title.partition(":")[0]: table for table in fidelity_tables({"gate": GATE, "report": REPORT})}
    by_event = tables["What shown products rest on, by the strongest that the shopper did"]
    assert by_event.rows == (("bought", ("12.5%", "87.5%")),)
    false = tables["False reasons"]
    assert false.rows == (("Ours", ("0.0%", "0.0%")), ("Last viewed", ("25.0%", "12.5%")))
    assert false.bold == "Ours"
    (pos,) = [table for table in tables.values() if table.title.startswith("Share that stays")]
    assert pos == FidelityTable(
        pos.title, ("1", "2"), (("Ours", ("0.100", "0.050")), ("Random", ("0.900", "0.800"))), "Ours"
    )
    assert not any("nothing but them" in title for title in tables)  # INSp was not measured


def test_single_figures_are_told():
    assert fidelity_facts({"gate": GATE})[0] == (
        "Checked before it was published",
        "77 shoppers, 15 of them made up, in 12 s, 20% of the training's time",
    )
    nothing_kept = {"specificity": 0.0, "naopc": {"ours": 0.0}, "stability": {"same_input": 0.0, "another_event": None}}
    assert list(fidelity_facts({"report": nothing_kept})) == [
        ("NAOPC of our order (1 is best)", "0.000"),
        ("Specificity: causes that are the only one", "0.0%"),
        ("Told alike when asked twice", "0.0%"),
    ]
    told = dict(fidelity_facts({"gate": GATE, "report": REPORT}))
    assert told["Explaining a list, milliseconds p50 / p99"] == "3.0 / 6.0"
    assert told["The same without learning, and by chance"] == "40.0% / 35.0%"
    assert fidelity_facts({}) == []


def test_a_plot_calls_what_products_rest_on_as_the_table_does():
    (table,) = fidelity_tables({"gate": {"coverage": {"1": dict.fromkeys(plots.TIERS, 0.2)}}})
    assert set(table.columns) == set(plots.TIERS.values())
    assert set(plots.TIERS) == set(TIERS)


def test_a_version_stands_beside_those_before_it(db):
    metrics = {"all": {"recommender": {"ndcg@10": 0.25}, "popularity": {"ndcg@10": 0.125}}}
    first, second, _later = (
        RecommenderVersion.objects.create(status=status, fidelity={"gate": GATE}, metrics=metrics)
        for status in ("retired", "published", "rejected")
    )
    assert trend(first).rows == ()
    # Of 160 shown products 30 + 60 rest on one, 60 on either of two.
    row = ("0.2500", "1,200", "0", "56.2%", "37.5%")
    assert trend(second).rows == ((f"Version {second.pk}", row), (f"Version {first.pk}", row))
    assert trend(second).bold == f"Version {second.pk}"


@pytest.fixture
def version(db):
    fidelity = {"gate": GATE, "plots": {"coverage": "<svg>drawn</svg>"}}
    return RecommenderVersion.objects.create(status="retired", artifact="a", fidelity=fidelity)


def test_the_page_shows_figures_and_plots(staff, version):
    client = staff("view_recommenderversion")
    page = reverse("admin:recommendations_recommenderversion_change", args=[version.pk])
    html = client.get(page).content.decode()
    plot = reverse("admin:recommendations_plot", args=[version.pk, "coverage"])
    assert "1,200" in html and f'<img src="{plot}"' in html
    assert f"explanation_report {version.pk}" in html
    assert "drawn" not in html  # an inline style of the plot would break a strict policy
    shown = client.get(plot)
    assert (shown.content, shown["Content-Type"]) == (b"<svg>drawn</svg>", "image/svg+xml")
    assert shown["Content-Security-Policy"].startswith("default-src 'none'")
    assert client.get(plot.replace("coverage", "else")).status_code == 404


def test_plots_are_for_those_who_may_see_versions(staff, version):
    plot = reverse("admin:recommendations_plot", args=[version.pk, "coverage"])
    assert staff().get(plot).status_code == 403


@pytest.mark.training
def test_every_plot_has_a_title():
    from recommendations.admin.fidelity import PLOTS

    assert PLOTS.keys() == draw_plots({"gate": GATE, "report": REPORT}).keys()
