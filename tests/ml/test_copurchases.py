import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from recommendations.ml import copurchases
from recommendations.ml.copurchases import bought_together

SHOPS = st.lists(st.sets(st.integers(1, 8), max_size=6), max_size=25)


def counted(baskets, fewest=2, most_others=20):
    """{(product, other): shoppers} of baskets, one for each shopper; products may have any numbers."""
    rows = [(shopper, product) for shopper, basket in enumerate(baskets) for product in basket]
    shoppers, products = np.array(rows, np.int64).reshape(-1, 2).T
    pairs = bought_together(shoppers * 7, products, fewest, most_others)
    keys = zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)
    return dict(zip(keys, pairs.shoppers.tolist(), strict=True))


def test_shoppers_of_both_are_counted():
    tea, milk, soap = 100, 7, 40
    assert counted([{tea, milk}, {tea, milk}, {tea, milk, soap}, {soap}]) == {(milk, tea): 3}


def test_fewer_shoppers_than_asked_for_are_no_pair():
    baskets = [{1, 2}] * 4 + [{3}]
    assert counted(baskets, fewest=4) == {(1, 2): 4}
    assert counted(baskets, fewest=5) == {}


def test_what_everybody_buys_goes_with_nothing():
    # Everybody buys 9: 3 * 4 shoppers of both, and 3 * 4 by chance. The lift is 1.
    assert counted([{1, 2, 9}, {1, 2, 9}, {1, 2, 9}, {9}]) == {(1, 2): 3}


def test_of_many_others_those_with_most_shoppers_are_kept():
    baskets = [{1, 2}] * 4 + [{1, 3}] * 3 + [{1, 4}] * 2 + [{5}] * 9
    assert counted(baskets) == {(1, 2): 4, (1, 3): 3, (1, 4): 2}
    # Of 1 only 2 is kept; but 1 is the best beside 3, and beside 4.
    assert counted(baskets, most_others=1) == {(1, 2): 4, (1, 3): 3, (1, 4): 2}
    both = [basket | {3, 4} if basket & {3, 4} else basket for basket in baskets]
    assert counted(both) == {(1, 2): 4, (1, 3): 5, (1, 4): 5, (3, 4): 5}
    assert counted(both, most_others=1) == {(1, 2): 4, (1, 3): 5, (1, 4): 5}


def test_nobody_bought_anything():
    assert counted([]) == {}


@given(SHOPS, st.integers(1, 3))
def test_it_is_what_counting_by_hand_gives(baskets, at_once):
    buyers = {product: {k for k, basket in enumerate(baskets) if product in basket} for product in range(1, 9)}
    everybody = len(set().union(*buyers.values()))
    expected = {
        (one, other): len(buyers[one] & buyers[other])
        for one in buyers
        for other in buyers
        if one < other
        and len(buyers[one] & buyers[other]) >= 2
        and len(buyers[one] & buyers[other]) * everybody > len(buyers[one]) * len(buyers[other])
    }
    usual = copurchases.SHOPPERS_AT_ONCE
    copurchases.SHOPPERS_AT_ONCE = at_once  # in parts it is the same
    try:
        assert counted(baskets) == expected
    finally:
        copurchases.SHOPPERS_AT_ONCE = usual
