"""A causal reason can't be made without its proof, and only causal templates say "because"."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.template.loader import render_to_string

import recommendations
from recommendations.serving import Because, Fact, NoReason
from recommendations.serving.reasons import Anchor, Evidence

TEN = tuple(str(k) for k in range(10))
ANCHOR = Anchor("7", "Bread & butter", "viewed")


def evidence(**changes):
    return Evidence(
        **{"limit": 5, "rank_before": 2, "rank_after": 11, "margin": 0.5, "share": 1.0, "witnesses": TEN, "version": 1}
        | changes
    )


@pytest.mark.parametrize(
    ("event", "text"),
    [
        ("bought", "Because you bought Bread & butter"),
        ("in_basket", "Because you put Bread & butter in your basket"),
        ("saved", "Because you saved Bread & butter"),
        ("viewed", "Because you viewed Bread & butter"),
    ],
)
def test_because_says_the_strongest_event(event, text):
    assert Because((Anchor("7", "Bread & butter", event),), evidence()).text == text


def test_because_needs_evidence():
    with pytest.raises(TypeError):
        Because((ANCHOR,))
    with pytest.raises(TypeError, match="evidence None: a causal reason needs an Evidence"):
        Because((ANCHOR,), None)


def test_because_names_something():
    with pytest.raises(ValueError, match="names at least one anchor"):
        Because((), evidence())


@pytest.mark.parametrize("ranks", [{"rank_after": 5}, {"rank_before": 6}, {"rank_after": 3}])
def test_evidence_must_show_it_left_the_list(ranks):
    with pytest.raises(ValueError, match="do not leave a list of 5"):
        evidence(**ranks)


def test_evidence_needs_as_many_witnesses_as_the_list_is_long():
    with pytest.raises(ValueError, match="4 witnesses: this claim needs 5"):
        evidence(witnesses=TEN[:4])


def test_evidence_counts_each_witness_once():
    with pytest.raises(ValueError, match="1 witnesses"):
        evidence(witnesses=("1",) * 10)


def test_facts_do_not_say_because():
    assert Fact("bought", datetime(2026, 5, 3, tzinfo=UTC)).text == "You bought this in May 2026"
    assert Fact("popular_this_week").text == "Popular this week"
    assert NoReason().text == ""


def test_the_causal_template_refuses_a_fact():
    assert render_to_string("recommendations/reasons/because.txt", {"reason": Fact("bought")}).strip() == ""


def test_no_other_template_says_because():
    folder = Path(recommendations.__file__).parent / "templates"
    said = {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file()
        and re.search(
            r"\bbecause\b(?!_|\.txt|-)|因为",
            re.sub(
                r"\{[%#].*?[%#]\}|class=\"[^\"]*\"",
                lambda tag: tag[0] if "translate" in tag[0] else "",
                path.read_text(),
            ),
            re.IGNORECASE,
        )
    }
    assert said <= {"recommendations/reasons/because.txt"}
