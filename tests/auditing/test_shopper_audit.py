"""The independent path finds what is false, condition by condition, on numbers that add up by hand."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from recommendations.auditing.reference import Reference
from recommendations.auditing.shopper_audit import Claim, ShopperAudit
from recommendations.exceptions import NotConfigured
from recommendations.ml.kinds import Kind
from recommendations.models import HiddenProduct, Product, ProductPopularity, RemovedProduct
from tests.auditing.conftest import BOOKS, popularity, product_ids, shopper_who
from tests.published import publish_made_artifact
from tests.shop.models import Book


def claim(item, *anchors, rank_before=1, limit=3, event="viewed", bought="allowed"):
    names = product_ids()
    named = tuple(names[anchor - 1] for anchor in anchors)
    return Claim(limit, names[item - 1], named, (event,) * len(named), rank_before, bought)


@pytest.fixture
def two_views(scorer, now):
    """Items 1 and 2 were viewed; item 12 is first because of item 1, and the last of ten without it."""
    scorer.speaks[1, 12] = 5
    scorer.speaks[2, 11] = 0.5
    shopper = shopper_who(now, (1, Kind.VIEW), (2, Kind.VIEW))
    return ShopperAudit(Reference(scorer), shopper, now)


def test_a_true_because_has_no_faults(two_views):
    assert two_views.faults(claim(12, 1)) == []


def test_a_product_that_stays_is_told(two_views):
    assert two_views.faults(claim(12, 1, limit=9)) == []
    faults = two_views.faults(claim(12, 1, limit=10))
    assert faults == [f"still at 10 of 10 without {product_ids()[0]}"]


def test_a_fall_of_too_few_places_is_told(two_views):
    # Item 5 is third among 12, 3 and 4; nobody speaks for it.
    two_views.reference.scorer.speaks[1, 5] = 0.25
    faults = two_views.faults(claim(5, 1, rank_before=2, limit=2))
    assert "falls from 2 to 3 only" in faults


def test_a_weak_cause_beside_a_strong_one_is_told(two_views):
    faults = two_views.faults(claim(12, 2))
    assert f"still at 1 of 3 without {product_ids()[1]}" in faults
    assert faults[-1].startswith(f"{product_ids()[1]} explains ")


def test_a_wrong_place_is_told(two_views):
    assert two_views.faults(claim(12, 1, rank_before=2)) == ["shown at 2 of 3, its place is 1 to 1"]


def test_equal_scores_may_stand_in_any_order(two_views):
    two_views.reference.scorer.base[3] = two_views.reference.scorer.base[12] + 5 + 0.005
    assert two_views.faults(claim(12, 1, rank_before=1)) == []
    assert two_views.faults(claim(12, 1, rank_before=2)) == []
    assert two_views.faults(claim(12, 1, rank_before=3)) != []


def test_a_product_is_never_its_own_reason(two_views):
    name = product_ids()[0]
    assert two_views.faults(claim(1, 1)) == [f"{name} is nothing that {name} can rest on"]


@pytest.fixture
def either(scorer, now):
    """Item 12 is first as long as item 1 or item 2 is in the history; item 3 speaks for nothing."""
    scorer.rule = lambda items: 6.0 * bool({1, 2} & set(items))
    shopper = shopper_who(now, (1, Kind.VIEW), (2, Kind.VIEW), (3, Kind.VIEW))
    return ShopperAudit(Reference(scorer), shopper, now)


def test_two_of_which_either_is_enough_have_no_faults(either):
    assert either.faults(claim(12, 1, 2)) == []
    assert either.faults(claim(12, 2, 1)) == []


def test_one_of_two_that_is_not_enough_is_told(either):
    one, two, three = product_ids()[:3]
    # Without item 1 it still stays because of item 2, and so it does without items 1 and 3.
    assert f"still at 1 of 3 without {one} and {three}" in either.faults(claim(12, 1, 3))
    either.reference.scorer.rule = lambda items: 6.0 * ({1, 2} <= set(items))
    faults = ShopperAudit(either.reference, either.shopper, either.now).faults(claim(12, 1, 2))
    assert faults == [f"already at 9 of 3 without {one} alone", f"already at 9 of 3 without {two} alone"]


def test_one_of_two_that_speaks_against_it_is_told(either):
    scorer, one = either.reference.scorer, product_ids()[0]
    scorer.rule = lambda items: 2.0 * bool({1, 2} & set(items)) - 0.5 * (1 in items)
    faults = ShopperAudit(either.reference, either.shopper, either.now).faults(claim(12, 1, 2))
    assert faults == [f"{one} speaks against {product_ids()[11]}"]


@pytest.fixture
def any_of_three(scorer, now):
    """Item 12 is first as long as item 1, 2 or 3 is in the history; item 4 speaks for nothing."""
    scorer.rule = lambda items: 6.0 * bool({1, 2, 3} & set(items))
    shopper = shopper_who(now, *((item, Kind.VIEW) for item in (1, 2, 3, 4)))
    return ShopperAudit(Reference(scorer), shopper, now)


def test_three_of_which_any_is_enough_have_no_faults(any_of_three):
    assert any_of_three.faults(replace(claim(12, 1, 2, 3), ranks_with_one=(1, 1, 1))) == []


def test_one_of_three_that_is_not_enough_is_told(any_of_three):
    one, two, three = product_ids()[:3]
    any_of_three.reference.scorer.rule = lambda items: 6.0 * (len({1, 2, 3} & set(items)) > 1 or 3 in items)
    assert any_of_three.faults(claim(12, 1, 2, 3)) == [
        f"already at 8 of 3 without {one} and {three} alone",
        f"already at 8 of 3 without {two} and {three} alone",
    ]
    assert not any_of_three.is_minimal(claim(12, 1, 2, 3))


def test_one_of_three_that_keeps_it_farther_down_is_told(any_of_three):
    any_of_three.reference.scorer.rule = lambda items: 6.0 * bool({1, 2} & set(items)) or 0.65 * (3 in items)
    faults = any_of_three.faults(replace(claim(12, 1, 2, 3), ranks_with_one=(1, 1, 1)))
    assert faults == [f"at 2 with {product_ids()[2]} alone, not at 1 or before"]


def test_two_are_two(either):
    one = product_ids()[0]
    assert either.faults(claim(12, 1, 1))[-1] == f"{one} and {one} is nothing that {product_ids()[11]} can rest on"


def test_of_two_products_strangers_see_what_is_left_without_both(scorer, now):
    scorer.rule = lambda items: 6.0 * bool({1, 2} & set(items))
    popularity(now, {3: 99, 4: 80, 5: 70, 6: 60, 12: 50})
    audit = ShopperAudit(Reference(scorer), shopper_who(now, (1, Kind.VIEW), (2, Kind.VIEW)), now)
    assert audit.faults(claim(12, 1, 2, limit=3)) == []
    assert f"still at 5 of 5 without {' and '.join(product_ids()[:2])}" in audit.faults(claim(12, 1, 2, limit=5))


def test_a_product_never_met_is_no_reason(two_views):
    faults = two_views.faults(claim(12, 7))
    assert faults[-1] == f"{product_ids()[6]} is nothing that {product_ids()[11]} can rest on"


@pytest.mark.parametrize(
    ("kinds", "true"),
    [
        ([Kind.VIEW], {"viewed"}),
        ([Kind.SAVE], {"saved"}),
        ([Kind.VIEW, Kind.ADD_TO_CART], {"viewed", "in_basket", "put_in_basket"}),
        ([Kind.ADD_TO_CART, Kind.REMOVE_FROM_CART], {"put_in_basket"}),
        ([Kind.ADD_TO_CART, Kind.PURCHASE], {"put_in_basket", "bought"}),
        ([Kind.PURCHASE, Kind.RETURN, Kind.VIEW], {"viewed"}),
    ],
)
def test_the_word_must_be_what_was_done(scorer, now, kinds, true):
    scorer.speaks[1, 12] = 5
    shopper = shopper_who(now, (2, Kind.VIEW), *[(1, kind) for kind in kinds])
    audit = ShopperAudit(Reference(scorer), shopper, now)
    words = ("bought", "in_basket", "saved", "viewed", "put_in_basket")
    found = {word for word in words if not any("was not" in fault for fault in audit.faults(claim(12, 1, event=word)))}
    assert found == true


def test_what_is_sensitive_or_not_for_sale_must_not_be_named(scorer, now, settings):
    scorer.speaks[1, 12] = 5
    shopper = shopper_who(now, (1, Kind.VIEW), (2, Kind.VIEW))
    settings.RECOMMENDATIONS = {"SENSITIVE_CATEGORIES": ("Shelf 0",)}
    Book.objects.filter(pk=product_ids()[1]).update(in_stock=False)
    audit = ShopperAudit(Reference(scorer), shopper, now)
    assert f"{product_ids()[0]} must not be named" in audit.faults(claim(12, 1))
    settings.RECOMMENDATIONS = {}
    audit = ShopperAudit(Reference(scorer), shopper, now)
    assert f"{product_ids()[1]} must not be named" in audit.faults(claim(12, 2))


def test_rivals_that_nobody_can_buy_do_not_count(two_views, scorer, now):
    assert two_views.faults(claim(12, 1, limit=9)) == []
    Book.objects.filter(pk=product_ids()[4]).update(in_stock=False)
    again = ShopperAudit(Reference(scorer), two_views.shopper, now)
    assert again.faults(claim(12, 1, limit=9)) == [f"still at 9 of 9 without {product_ids()[0]}"]


def eligible(audit, bought="allowed", without=()):
    return (np.flatnonzero(audit._eligible(bought, without))).tolist()


def test_what_may_be_shown_is_derived_again(scorer, now):
    shopper = shopper_who(
        now,
        (1, Kind.VIEW),
        (2, Kind.PURCHASE),
        (3, Kind.ADD_TO_CART),
        (4, Kind.VIEW),
        (5, Kind.PURCHASE),
        (5, Kind.RETURN),
    )
    rows = list(Product.objects.order_by("pk"))
    HiddenProduct.objects.create(shopper=shopper, product=rows[5], until=now + timedelta(days=1))
    HiddenProduct.objects.create(shopper=shopper, product=rows[6], until=now - timedelta(days=1))
    RemovedProduct.objects.create(shopper=shopper, product=rows[7], removed_at=now)
    RemovedProduct.objects.create(shopper=shopper, product=rows[1], removed_at=now - timedelta(days=1))
    Product.objects.filter(pk=rows[8].pk).update(available=False)
    audit = ShopperAudit(Reference(scorer), shopper, now)
    assert eligible(audit) == [2, 7, 10, 11, 12]  # 5 came back: met, not bought
    assert eligible(audit, "left out") == [7, 10, 11, 12]
    assert eligible(audit, "only") == [2]
    assert eligible(audit, without=(2,)) == [7, 10, 11, 12]


def test_removed_events_are_not_remembered(scorer, now):
    shopper = shopper_who(now, (1, Kind.VIEW), (2, Kind.VIEW), (1, Kind.SAVE))
    first = Product.objects.order_by("pk").first()
    for minutes in (2, 5):
        RemovedProduct.objects.create(shopper=shopper, product=first, removed_at=now - timedelta(minutes=minutes))
    audit = ShopperAudit(Reference(scorer), shopper, now)
    assert [(event.product_id, event.kind) for event in audit.events] == [
        (product_ids()[0], Kind.SAVE),
        (product_ids()[1], Kind.VIEW),
    ]
    assert audit.history.items.tolist() == [2, 1]


def test_a_sole_product_is_compared_with_what_strangers_see(scorer, now):
    scorer.speaks[1, 12] = 5
    popularity(now, {1: 99, 5: 30, 4: 20, 12: 10})
    audit = ShopperAudit(Reference(scorer), shopper_who(now, (1, Kind.VIEW)), now)
    # Strangers see 5, 4, 12, then the others: 12 is third without item 1.
    assert audit.faults(claim(12, 1, limit=3)) == [
        f"still at 3 of 3 without {product_ids()[0]}",
        "falls from 1 to 3 only",
    ]
    assert audit.faults(claim(12, 1, limit=2)) == ["falls from 1 to 3 only"]
    ProductPopularity.objects.filter(product__product_id=product_ids()[11]).delete()
    Product.objects.filter(product_id=product_ids()[11]).update(available=False)
    again = ShopperAudit(Reference(scorer), audit.shopper, now)
    assert again._place_after(claim(12, 1), 12, (1,)) == 11  # of ten that can be bought, after them all


def test_a_removal_that_serving_cannot_know_sets_no_standard(scorer, now):
    """Beyond 800 events: item 1 fills 201 of the newest 800, and without it fewer than 600 known ones are left."""
    events = [(2, Kind.VIEW), *[(1, Kind.VIEW)] * 201, *[(3 + k % 3, Kind.VIEW) for k in range(599)]]
    audit = ShopperAudit(Reference(scorer), shopper_who(now, *events), now)
    assert not audit._is_removal_known(1)
    assert audit._is_removal_known(2)
    assert 1 not in audit._effects_of("allowed")


@pytest.fixture
def search_and_view(scorer, now):
    """A search for item 3, and a view of item 2; item 12 is first because of the search, and the last without it."""
    scorer.speaks[BOOKS + 1, 12] = 5
    shopper = shopper_who(now, (3, Kind.SEARCH), (2, Kind.VIEW))
    return ShopperAudit(Reference(scorer), shopper, now)


def searched(item, query, **options):
    return replace(claim(item, **options), anchors=(query,), events=("searched",))


def test_a_true_because_of_a_search_has_no_faults(search_and_view):
    third = product_ids()[2]
    assert search_and_view.faults(searched(12, third)) == []
    assert search_and_view.faults(searched(12, third, limit=11)) == [f"still at 11 of 11 without {third}"]
    assert search_and_view.faults(searched(12, "else")) == [
        "'else' was not searched for",
        f"else is nothing that {product_ids()[11]} can rest on",
    ]


def test_a_search_is_no_product_of_the_same_name(search_and_view):
    third = product_ids()[2]
    faults = search_and_view.faults(claim(12, 3))
    assert f"{third} was not viewed: []" in faults
    assert f"{third} is nothing that {product_ids()[11]} can rest on" in faults


def test_a_search_that_hints_at_something_sensitive_must_not_be_named(search_and_view):
    third = product_ids()[2]
    search_and_view.reference.sensitive.add(third)
    assert search_and_view.faults(searched(12, third)) == [f"{third!r} must not be named"]


@pytest.mark.parametrize("words_are_gone", [False, True])
def test_a_removed_search_is_not_remembered(search_and_view, now, words_are_gone):
    third = product_ids()[2]
    RemovedProduct.objects.create(shopper=search_and_view.shopper, query=third, removed_at=now)
    if words_are_gone:
        RemovedProduct.objects.forget_words()
    again = ShopperAudit(search_and_view.reference, search_and_view.shopper, now)
    assert again.searches == []
    assert again.history.items.tolist() == [2]


@pytest.mark.training
def test_the_stored_weights_are_read_and_checked(scorer, now):
    version = publish_made_artifact(d=16)
    with Reference.opened(version) as reference:
        audit = ShopperAudit(reference, shopper_who(now, (1, Kind.VIEW), (2, Kind.VIEW)), now)
        assert audit._score(()).shape == (BOOKS + 1,)
        assert reference.buyable == set(product_ids())


def test_without_torch_one_line_says_what_to_install(scorer, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "recommendations.ml.training.reference", None)
    with pytest.raises(NotConfigured, match=r'pip install "django-because\[training\]"'), Reference.opened(None):
        pass
