"""Metrics and data as people read them."""

from django.utils import translation

from recommendations.admin.comparison import (
    CAUSES,
    Cell,
    Lead,
    Row,
    Table,
    cleaning,
    facts,
    importances,
    lead,
    refusal,
    tables,
)
from recommendations.ml import cleaning as causes

METRICS = {
    "repeats_allowed": {
        "bought_before": {"hr@10": 0.75, "ndcg@10": 0.25},
        "network": {"hr@10": 0.25, "ndcg@10": 0.75},
        "recommender": {"hr@10": 0.5, "ndcg@10": 0.5},
    }
}


def test_tables_put_the_recommender_first_and_mark_the_best():
    assert tables(METRICS, {"repeats_allowed": 1035}) == [
        Table(
            "Everything a shopper turned to, known products too (1,035 shoppers)",
            ("HR@10", "NDCG@10"),
            (
                Row("This recommender", True, (Cell(0.5, False), Cell(0.5, False))),
                Row("Its network alone", False, (Cell(0.25, False), Cell(0.75, True))),
                Row("Bought before", False, (Cell(0.75, True), Cell(0.25, False))),
            ),
        )
    ]


def test_tables_show_what_they_have_no_name_for():
    (table,) = tables({"later": {"oracle": {"coverage": 1.0}}}, {})
    assert table == Table("later", ("Coverage",), (Row("oracle", False, (Cell(1.0, True),)),))


def test_tables_of_nothing_are_none():
    assert tables({}, {}) == []
    assert tables({"repeats_allowed": {}}, {}) == []


def test_lead_names_the_best_baseline_and_no_part_of_the_recommender():
    assert lead(METRICS) == Lead(0.5, 0.25, "Bought before")


def test_lead_of_nothing_measured_is_none():
    assert lead({}) is None
    assert lead({"repeats_allowed": {"recommender": {"ndcg@10": 0.5}}}) is None


def test_facts_are_told_with_units():
    data = {
        "interactions": 1_227_271,
        "shoppers": 2465,
        "products": 5632,
        "first": 0,
        "last": 86_400 * 9,
        "cutoff": 86_400,
        "seconds": {"total": 99.5},
    }
    with translation.override("en-gb"):
        told = facts(data)
    assert told == [
        ("Interactions", "1,227,271"),
        ("Shoppers", "2,465"),
        ("Products", "5,632"),
        ("From", "1 Jan 1970"),
        ("To", "10 Jan 1970"),
        ("Judged on what came from", "2 Jan 1970"),
        ("Training took", "100 s"),
    ]


def test_facts_tell_where_its_fits_started_and_how_it_did_beside_the_version_before():
    compared = {"lead": 0.0123, "low": -0.001, "high": 0.02567, "shoppers": 2_000}
    told = facts({"start": {"version": 7, "new": 0.05, "warm_starts": 1}, "current": {"version": 7, "q": compared}})
    assert told == [
        ("Started from", "version 7, 5.0% of the interactions are new"),
        ("NDCG@10 beside version 7: q", "+0.0123 (-0.0010 to +0.0257), 2,000 shoppers"),
    ]
    assert facts({"start": {"cold": "no version had been published before"}, "current": {}}) == [
        ("Started from nothing", "no version had been published before")
    ]


def test_facts_of_a_training_that_read_nothing_are_none():
    assert facts({}) == []


def test_what_was_left_out_is_told_by_cause():
    report = causes.DataReport(kept=1_500, one_event_shoppers=7)
    report.leave_out("bots", 601)
    told = dict(cleaning({"report": report.to_dict()}))
    assert told["All events"] == "2,101"
    assert told["Bots: more than 600 views and searches in an hour"] == "601"
    assert told["Purchases that came back"] == "0"
    assert told["Learned from"] == "1,500"
    assert cleaning({}) == []


def test_every_cause_has_words_with_the_limit_that_holds():
    assert tuple(CAUSES) == causes.CAUSES
    assert str(causes.BOT_VIEWS) in CAUSES["bots"]
    assert f"{causes.MOST_EVENTS:,}" in CAUSES["too_long"]


def test_what_counts_most_leads():
    kinds, table = {"drop": -0.001, "low": -0.002, "high": 0.0}, {"drop": 0.02, "low": 0.01, "high": 0.03}
    assert importances({"importance": {"new_products": {"kinds": kinds, "table": table}}}) == [
        (
            "Products the shopper had never met",
            [
                ("What the next-item table says", "0.0200 (0.0100 to 0.0300)"),
                ("Kinds of event (viewed, bought ...)", "-0.0010 (-0.0020 to 0.0000)"),
            ],
        )
    ]
    assert importances({}) == []


def test_a_refusal_has_the_words_of_the_tables_and_says_what_to_do():
    error = (
        "The recommender does not beat every baseline. new_products: NDCG@10 0.1 against 0.2 of item_neighbours, "
        "a lead above 0.0 is needed; repeats_allowed: NDCG@10 0.1 against 0.2 of popularity, a lead above 0.0 is "
        "needed."
    )
    assert refusal(error, is_fault=False).splitlines() == [
        "The recommender does not beat every baseline. “Products the shopper had never met”: NDCG@10 0.1 against 0.2 "
        "of “Item neighbours”, a lead above 0.0 is needed; “Everything a shopper turned to, known products too”: "
        "NDCG@10 0.1 against 0.2 of “Most popular”, a lead above 0.0 is needed.",
        "With little history this is normal: import more, or try again later (docs/retraining.md).",
    ]


def test_false_reasons_are_never_called_normal():
    error = "Not every reason it would give is true. CV 0.9987 (3 of 2,345 are not), 1 is needed."
    assert refusal(error, is_fault=True).splitlines() == [
        error,
        "More history does not mend this: it is a fault, please report it with these figures (docs/retraining.md).",
    ]
