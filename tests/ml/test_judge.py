import numpy as np
import pytest

from recommendations.ml.interactions import InteractionLog
from recommendations.ml.kinds import Kind
from recommendations.ml.splitting import NotEnoughData, hold_out
from recommendations.ml.training.judge import (
    CURRENT,
    NETWORK,
    RECOMMENDER,
    Protocol,
    beside_current,
    compare,
    falls_behind,
    leads,
    protocols,
    refusal,
)


def held_out_of(*shoppers):
    """Shoppers as (items of the past, items of the future)."""
    rows = [
        (number, item, time)
        for number, (past, future) in enumerate(shoppers)
        for time, items in ((1, past), (9, future))
        for item in items
    ]
    shopper, item, time = (np.array(column) for column in zip(*rows, strict=True))
    return hold_out(InteractionLog.from_rows(shopper, item, np.full(len(item), Kind.PURCHASE), time), 5)


def names(asked):
    return [protocol.name for protocol in asked]


def test_both_protocols_when_shoppers_repeat_and_explore():
    asked, left_out = protocols(held_out_of(([1], [1, 2]), ([2], [2, 3])), needed=2)
    assert names(asked) == ["repeats_allowed", "new_products"]
    assert left_out == []
    assert [targets.tolist() for targets in asked[1].asked.targets] == [[2], [3]]


def test_repeats_are_left_out_where_nobody_repeats():
    asked, left_out = protocols(held_out_of(([1], [2]), ([2], [3])), needed=2)
    assert names(asked) == ["new_products"]
    assert left_out == ["repeats_allowed: 0 shoppers came back to a product they knew, 2 are needed"]


def test_new_products_are_left_out_where_all_repeat():
    asked, left_out = protocols(held_out_of(([1], [1]), ([2], [2, 3])), needed=2)
    assert names(asked) == ["repeats_allowed"]
    assert left_out == ["new_products: 1 shoppers turned to a new product, 2 are needed"]


def test_too_few_shoppers_to_judge():
    with pytest.raises(NotEnoughData, match=r"1 shoppers have interactions both before and in .* 50 are needed"):
        protocols(held_out_of(([1], [2])), needed=50)


def test_neither_protocol_has_enough():
    with pytest.raises(NotEnoughData, match=r"repeats_allowed: 1 shoppers .*; new_products: 1 shoppers"):
        protocols(held_out_of(([1], [1]), ([2], [3])), needed=2)


def test_met_products_are_taken_out_only_where_the_protocol_says_so():
    held_out = held_out_of(([1, 2], [3]))
    scores = np.array([[9.0, 4, 3, 2, 1]])
    assert Protocol("repeats", held_out, False).lists(scores.copy(), 3) == [[1, 2, 3]]
    assert Protocol("new", held_out, True).lists(scores.copy(), 3) == [[3, 4]]


def test_compare_measures_every_method_on_every_protocol():
    asked, _ = protocols(held_out_of(([1], [1, 2]), ([2], [2, 3])), needed=2)
    reported = []
    methods = {
        "right": lambda held: np.array([[0, 1, 1, 0] if 1 in t else [0, 0, 1, 1] for t in held.targets], float),
        "wrong": lambda held: np.zeros((len(held), 4)),
    }
    table, single = compare(asked, methods, 3, reported.append)
    assert table["repeats_allowed"]["right"]["recall@10"] == 1
    assert table["repeats_allowed"]["right"]["ndcg@10"] > table["repeats_allowed"]["wrong"]["ndcg@10"]
    assert single["new_products"]["right"].shape == (2,)
    assert reported == sorted(reported)


def verdict(ours, theirs, standard_errors=1.0):
    single = {"new_products": {RECOMMENDER: np.array(ours), NETWORK: np.ones(len(ours)), "popularity": theirs}}
    table = {"new_products": {name: {"ndcg@10": float(np.mean(v))} for name, v in single["new_products"].items()}}
    return refusal(table, leads(single), standard_errors)


def test_a_lead_comes_with_its_standard_error():
    single = {"p": {RECOMMENDER: np.array([0.5, 0.9]), NETWORK: np.zeros(2), "popularity": np.array([0.4, 0.4])}}
    assert leads(single) == {"p": {"popularity": pytest.approx({"lead": 0.3, "standard_error": 0.2 / 2**0.5})}}


def test_a_clear_lead_is_accepted_and_the_bare_network_is_no_baseline():
    assert verdict([0.5, 0.6, 0.5, 0.6], np.array([0.1, 0.1, 0.2, 0.2])) == ""


def test_a_lead_within_chance_is_refused():
    ours, theirs = [0.9, 0.0, 0.0, 0.2], np.array([0.0, 0.9, 0.0, 0.1])
    assert "popularity" in verdict(ours, theirs)
    assert verdict(ours, theirs, standard_errors=0.0) == ""


def test_a_refusal_gives_figures_and_names():
    text = verdict([0.1, 0.3], np.array([0.2, 0.4]))
    assert text == (
        "The recommender does not beat every baseline. new_products: NDCG@10 0.2000 against 0.3000 of popularity, "
        "a lead above 0.0000 is needed."
    )


def test_an_equal_score_is_no_lead():
    assert verdict([0.2, 0.2], np.array([0.2, 0.2])) != ""


def compared(ours, current):
    """Two shoppers' NDCG@10, and what comes of it beside the current version, two standard errors either way."""
    single = {"new_products": {RECOMMENDER: np.array(ours), CURRENT: np.array(current)}}
    asked = Protocol("new_products", held_out_of(([1], [2]), ([1], [2])), True)
    return beside_current(leads(single), [asked], errors=2.0)


def test_the_current_version_is_compared_shopper_by_shopper():
    found = compared([0.5, 0.4], [0.2, 0.3])  # leads .3 and .1: .2, its error .1 / root of 2
    room = 2 * 0.1 / 2**0.5
    expected = {"lead": 0.2, "low": 0.2 - room, "high": 0.2 + room, "shoppers": 2}
    assert found == {"new_products": pytest.approx(expected)}


def test_only_what_is_surely_worse_falls_behind():
    assert falls_behind(compared([0.3, 0.3], [0.2, 0.5]), 7) == ""  # -.05 on average, give or take more
    assert falls_behind(compared([0.2, 0.3], [0.3, 0.4]), 7) == (
        "The recommender falls behind version 7, on interactions that neither fit had seen. "
        "new_products: NDCG@10 differs by -0.1000 (-0.1000 to -0.1000) over 2 shoppers."
    )


def test_the_current_version_is_no_baseline():
    single = {"p": {RECOMMENDER: np.array([0.3, 0.3]), CURRENT: np.array([0.9, 0.9])}}
    assert refusal({"p": {RECOMMENDER: {"ndcg@10": 0.3}}}, leads(single), 0.5) == ""


def test_without_a_current_version_there_is_nothing_to_compare():
    single = {"new_products": {RECOMMENDER: np.array([0.3])}}
    asked = Protocol("new_products", held_out_of(([1], [2])), True)
    assert beside_current(leads(single), [asked], errors=2.0) == {}
    assert falls_behind({}, 7) == ""


def test_nobody_who_chooses_in_one_protocol_judges_in_another():
    """Shopper 0 has nothing new: the others move up a row in `new_products`."""
    asked, _ = protocols(held_out_of(([1], [1]), *(([1], [1, 2 + k]) for k in range(7))), needed=2)
    choosing, judging = zip(*(protocol.halves() for protocol in asked), strict=True)
    choose, judge = ({s for p in half for s in p.asked.shopper.tolist()} for half in (choosing, judging))
    assert not choose & judge
    assert choose | judge == set(range(8))


def test_a_protocol_in_which_nobody_could_judge_is_left_out():
    asked, left_out = protocols(held_out_of(([1], [1, 2]), ([2], [2]), ([1], [1, 3]), ([2], [2])), needed=2)
    assert names(asked) == ["repeats_allowed"]
    [told] = left_out
    assert told.startswith("new_products: 2 shoppers turned to a new product, all of the half that chooses")


def test_blocks_are_smaller_the_more_is_scored():
    [asked], _ = protocols(held_out_of(*(([1], [2]) for _ in range(300))), needed=2)
    assert [len(block.asked) for block in asked.blocks(10)] == [256, 44]
    assert {len(block.asked) for block in asked.blocks(99_999)} <= {80, 60}
    assert max(len(block.asked) for block in asked.blocks(10**9)) == 2
