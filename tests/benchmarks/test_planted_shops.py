import numpy as np
import pytest

from benchmarks.planted_shops import PLANTS, PRODUCTS, SHOPS, Plant, planted_cases, planted_log, plants

DELETION = 0.15  # FitSettings.deletion, which needs torch


@pytest.fixture(scope="module", params=SHOPS)
def shop(request):
    """(its cause, its log)."""
    return request.param, planted_log(request.param, shoppers=600)


def baskets(log):
    """The items of each shopper, oldest first."""
    return [log.item[rows].tolist() for _, rows in log.by_shopper()]


def is_due(cause: str, plant: Plant, before: list[int]) -> bool:
    """The rule of each shop, in words of its own."""
    has_a, has_b = plant.a in before, plant.b in before
    return {
        "single": has_a,
        "and": has_a and has_b,
        "or": has_a or has_b,
        "repeated": before.count(plant.a) >= 2,
        "order": has_a and has_b and before.index(plant.a) < before.index(plant.b),
        "suppressor": has_a,
        "popularity": False,
    }[cause]


def test_p_follows_its_cause_and_nothing_else(shop):
    cause, log = shop
    followed = 0
    for items in baskets(log):
        for plant in plants():
            if plant.p in items:
                assert is_due(cause, plant, items[: items.index(plant.p)])
                followed += 1
    assert followed == 0 if cause == "popularity" else followed > 25


def test_p_follows_wherever_its_cause_is_met(shop):
    cause, log = shop
    met = [plant.p in items for items in baskets(log) for plant in plants() if is_due(cause, plant, items)]
    if cause == "suppressor":
        assert 0.6 < np.mean(met) < 0.8  # half of them meet B, which leaves P to four of ten
    else:
        assert all(met)


def test_a_suppressor_makes_p_less_likely():
    with_b, without_b = [], []
    for items in baskets(planted_log("suppressor", shoppers=600)):
        for plant in plants():
            if plant.a in items:
                (with_b if plant.b in items else without_b).append(plant.p in items)
    assert 0.3 < np.mean(with_b) < 0.5
    assert all(without_b)


@pytest.mark.parametrize("cause", ["and", "order"])
def test_one_product_alone_hardly_looks_like_the_cause_even_when_events_are_left_out(cause):
    visits, deletion = SHOPS[cause].visits, DELETION
    for seen, missing in ("AB", "BA"):
        alone = [v.share * (deletion if missing in v.causes else 1) for v in visits if seen in v.causes]
        followed = [v.share * deletion for v in visits if seen in v.causes and v.likelihood]
        assert sum(followed) / sum(alone) < 0.035


@pytest.mark.parametrize("shop", SHOPS.values())
def test_shares_of_visits_sum_to_one(shop):
    assert sum(visit.share for visit in shop.visits) == pytest.approx(1)


def test_the_same_seed_makes_the_same_log():
    one, again, other = (planted_log("and", shoppers=50, seed=seed) for seed in (3, 3, 4))
    assert one.item.tolist() == again.item.tolist()
    assert one.item.tolist() != other.item.tolist()


def test_items_are_products_of_the_shop(shop):
    _, log = shop
    assert log.item.min() >= 1
    assert log.item.max() <= PRODUCTS
    assert log.dropped == 0


@pytest.mark.parametrize("cause", [cause for cause in SHOPS if cause != "popularity"])
def test_a_case_holds_the_whole_cause_and_not_p(cause):
    for case in planted_cases(cause, 2 * PLANTS):
        assert is_due(cause, case.plant, list(case.items))
        assert case.plant.p not in case.items
        assert case.history.items.tolist() == list(case.items)
        assert 0 not in case.places  # a cause is never the first event, nor beside another
        assert min(np.diff(sorted(case.places)), default=2) >= 2


@pytest.mark.parametrize("cause", [cause for cause in SHOPS if cause not in ("popularity", "suppressor")])
def test_with_other_products_in_the_places_of_the_causes_p_is_due_only_where_enough_is_left(cause):
    for case in planted_cases(cause, 2 * PLANTS):
        for letters in SHOPS[cause].enough:
            assert is_due(cause, case.plant, case.instead(letters).items.tolist())
        for letters in SHOPS[cause].lacking:
            instead = case.instead(letters).items.tolist()
            assert not is_due(cause, case.plant, instead)
            assert len(instead) == len(case.items)
            assert all(instead[k] == item for k, item in enumerate(case.items) if k not in case.places)


def test_a_cause_in_any_order_is_shown_in_both():
    cases = planted_cases("and", 60)
    first_met = [case.items.index(case.plant.a) < case.items.index(case.plant.b) for case in cases]
    assert {True, False} == set(first_met)
    assert all(case.items.index(case.plant.a) < case.items.index(case.plant.b) for case in planted_cases("order", 60))
