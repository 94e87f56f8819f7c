"""Where a shopper can buy few of the best, a list goes on down the ranking, and a "because" stays true."""

import numpy as np
import pytest

from recommendations.ml.kinds import Kind
from recommendations.ml.ranking import MixWeights, NextItemTable, Score
from recommendations.publishing import current_recommender
from recommendations.serving import RecommendationQuery, candidates, recommend, why

from .test_truth import removed, sell_out, shopper_who, without

PRODUCTS, X, LED_TO = 60, 60, 25  # items by their numbers


@pytest.fixture
def query(products, popular, now, monkeypatch):
    """X leads to items 1 to 25, to the first most; without X they come last, the first of all the very last. What
    everybody wants instead is not for sale."""
    monkeypatch.setattr(candidates, "POOL", 20)
    monkeypatch.setattr(candidates, "DEEPEST", 50)
    bias = np.zeros(PRODUCTS + 1, np.float32)
    bias[1 : LED_TO + 1] = -20 + 0.01 * np.arange(LED_TO)
    after_x = np.where(np.arange(PRODUCTS + 2) > X, LED_TO, 0)
    strengths = np.exp(60 - 0.1 * np.arange(LED_TO)).astype(np.float32)
    table = NextItemTable(after_x, np.arange(1, LED_TO + 1, dtype=np.int32), strengths)
    scorer = current_recommender().scorer
    nothing = np.zeros_like(scorer.score.item_matrix)
    weights = MixWeights(table=1.0, table_eps=0.01, repeat=0.0, repeat_decay=1.0)
    scorer.score = Score(nothing, bias, table, weights)
    for_sale = {1, *range(11, LED_TO + 1), X}
    sell_out({item - 1 for item in range(1, PRODUCTS + 1) if item not in for_sale}, products)
    shopper = shopper_who([(X - 2, Kind.VIEW), (X - 1, Kind.VIEW)], products, now)
    return RecommendationQuery("new_for_you", shopper, limit=5, now=now)


def items(found, products):
    number = {row.product_id: item for item, row in enumerate(products, 1)}
    return [number[product_id] for product_id in found.product_ids]


def test_a_because_is_true_though_no_more_of_the_best_can_be_bought(query, products):
    led, x = recommend(query).recommendations[0], products[X - 1]
    assert (led.card.product_id, led.reason.anchors[0].id) == (products[0].product_id, x.product_id)
    assert items(recommend(without(query, x)), products) == [25, 24, 23, 22, 21]  # the thirty-five before them sold out
    assert items(removed(query, x), products) == [25, 24, 23, 22, 21]


def test_what_stands_so_far_down_is_shown_without_a_reason(query, products):
    told = why(without(query, products[X - 1]), products[24].product_id)
    assert (told.recommendation.source, told.reason.kind, told.causes) == ("recommender", "none", ())


def test_what_the_ranking_knows_is_not_put_in_for_being_popular(query, products, monkeypatch):
    monkeypatch.setattr(candidates, "DEEPEST", 36)
    assert items(recommend(without(query, products[X - 1])), products) == [25, 24, 23]
