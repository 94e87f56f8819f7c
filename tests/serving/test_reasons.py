"""A causal reason can't be made without its proof, and only causal templates say "because"."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.template.loader import render_to_string

import recommendations
from recommendations.ml.kinds import Kind
from recommendations.serving import Because, Fact, NoReason
from recommendations.serving.memory import Event, Memory
from recommendations.serving.reasons import Anchor, EitherEvidence, Evidence

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
        ("put_in_basket", "Because you put Bread & butter in your basket"),
        ("saved", "Because you saved Bread & butter"),
        ("viewed", "Because you viewed Bread & butter"),
    ],
)
def test_because_says_the_strongest_event(event, text):
    assert Because((Anchor("7", "Bread & butter", event),), evidence()).text == text


def either(*events, **changes):
    anchors = tuple(Anchor(name, name, event) for name, event in zip(("Tea", "Milk"), events, strict=False))
    return Because(anchors, EitherEvidence(**evidence().__dict__ | {"ranks_without_each": (2, 5)} | changes))


@pytest.mark.parametrize(
    ("events", "text"),
    [
        (("viewed", "bought"), "Because you viewed Tea and bought Milk: either would be enough"),
        (("saved", "in_basket"), "Because you saved Tea and put Milk in your basket: either would be enough"),
        (("viewed", "viewed"), "Because you viewed Tea and Milk: either would be enough"),
        (("bought", "bought"), "Because you bought Tea and Milk: either would be enough"),
        (("saved", "saved"), "Because you saved Tea and Milk: either would be enough"),
        (("in_basket", "in_basket"), "Because you put Tea and Milk in your basket: either would be enough"),
    ],
)
def test_either_would_be_enough_says_what_was_done_with_each(events, text):
    assert either(*events).text == text
    assert either(*events).tier == "T2"


def test_two_anchors_need_the_proof_that_either_is_enough():
    with pytest.raises(TypeError, match="ranks_without_each"):
        EitherEvidence(**evidence().__dict__)
    with pytest.raises(ValueError, match=r"ranks \(2, 6\): expected two within a list of 5"):
        either("viewed", "viewed", ranks_without_each=(2, 6))
    with pytest.raises(ValueError, match="expected two within a list"):
        either("viewed", "viewed", ranks_without_each=(2,))
    with pytest.raises(ValueError, match="anchors 7, 8: this evidence is about 1"):
        Because((ANCHOR, Anchor("8", "Tea", "viewed")), evidence())
    with pytest.raises(ValueError, match="anchors Tea: this evidence is about 2"):
        either("viewed")
    with pytest.raises(ValueError, match="anchors 7, 7: this evidence is about 2"):
        Because((ANCHOR, ANCHOR), either("viewed", "viewed").evidence)


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
    assert Fact("new").text == "New"
    assert NoReason().text == ""


def test_the_causal_template_refuses_a_fact():
    for name in ("because", "because_either", "because_any"):
        assert render_to_string(f"recommendations/reasons/{name}.txt", {"reason": Fact("bought")}).strip() == ""


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
    names = ("because", "because_either", "because_any")
    assert said == {f"recommendations/reasons/{name}.txt" for name in names}


@pytest.mark.parametrize(
    ("kinds", "word"),
    [
        ([Kind.ADD_TO_CART], "in_basket"),
        ([Kind.ADD_TO_CART, Kind.REMOVE_FROM_CART], "put_in_basket"),
        ([Kind.ADD_TO_CART, Kind.PURCHASE, Kind.RETURN], "put_in_basket"),
        ([Kind.VIEW, Kind.ADD_TO_CART, Kind.REMOVE_FROM_CART], "viewed"),
        ([Kind.SAVE, Kind.VIEW], "saved"),
        ([Kind.PURCHASE, Kind.RETURN], ""),
        ([Kind.REMOVE_FROM_CART], ""),
    ],
)
def test_the_word_for_what_was_done_is_the_strongest_that_is_true(kinds, word):
    now = datetime(2026, 11, 26, tzinfo=UTC)
    memory = Memory([Event("7", kind, now) for kind in reversed(kinds)])
    assert memory.strongest_event("7") == word
