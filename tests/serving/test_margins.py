"""The margin that staff are told is that to the last product that the proof needs and this shopper can buy."""

from recommendations.ml.kinds import Kind
from recommendations.publishing import current_recommender
from recommendations.serving import RecommendationQuery, recommend
from recommendations.serving.memory import read_memory
from tests.serving.test_truth import shopper_who
from tests.shop.models import Book


def of_one_cause(query):
    """(product_id, anchor's product_id) -> its evidence, of what one product explains."""
    shown = [entry for entry in recommend(query).recommendations if entry.reason.tier == "T1"]
    return {(entry.card.product_id, entry.reason.anchors[0].id): entry.reason.evidence for entry in shown}


def gap(query, product_id, anchor, rival):
    """f(rival) - f(product) without the anchor."""
    scorer = current_recommender().scorer
    history = read_memory(query.shopper, query.now).history(scorer.vocabulary, scorer.query_index)
    items = scorer.vocabulary.numbers([rival, product_id])
    ((first, second),) = scorer.scores([history.without(scorer.vocabulary.number(anchor))], items)
    return float(first - second)


def test_a_witness_that_is_sold_out_gives_its_margin_away(products, popular, now):
    shopper = shopper_who([(place, Kind.VIEW) for place in (3, 9, 27)], products, now)
    query = RecommendationQuery("home", shopper, limit=5, now=now)
    before = of_one_cause(query)
    (key, found), *_ = before.items()
    Book.objects.filter(pk__in=found.witnesses[:2]).update(in_stock=False)
    after = of_one_cause(query)[key]
    for evidence in (found, after):
        assert abs(evidence.margin - gap(query, *key, evidence.witnesses[evidence.limit - 1])) < 1e-5
    assert after.witnesses[0] == found.witnesses[2]
    assert 0 < after.margin < found.margin
