"""Not interested: what is hidden is in no list of any placement, nor in what is predicted, until it is shown again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommendations import controls
from recommendations.ml.kinds import Kind
from recommendations.serving import RecommendationQuery, because_rows, recommend
from recommendations.serving.placements import PLACEMENTS
from tests.serving.test_truth import EVENTS, LEARNED, SOLD_OUT, learn, many_examples, sell_out, shopper_who

BOUGHT = [(place, Kind.PURCHASE) for place in (1, 7, 13, 22, 41)]


def query_of(placement, shopper, products, now):
    about = products[30].product_id if PLACEMENTS[placement].needs_product else None
    return RecommendationQuery(placement, shopper, limit=40, product_id=about, now=now)


@many_examples
@given(events=EVENTS, hidden=st.sets(st.integers(0, 59), min_size=1, max_size=12), sold_out=SOLD_OUT, learned=LEARNED)
def test_whatever_is_hidden_appears_nowhere(products, popular, now, events, hidden, sold_out, learned):
    learn(*learned)
    sell_out(sold_out, products)
    shopper, ids = shopper_who(events, products, now), {products[place].product_id for place in hidden}
    for product_id in ids:
        controls.hide(shopper, product_id, now=now)
    shown = []
    for placement in PLACEMENTS:
        query = query_of(placement, shopper, products, now)
        shown += recommend(query).recommendations
        shown += recommend(query.without_units([("product", products[events[0][0]].product_id)])).recommendations
        shown += [entry for row in because_rows(query) for entry in row.recommendations]
    told = {entry.card.product_id for entry in shown}
    told |= {key for entry in shown for key in getattr(entry.reason.evidence, "witnesses", ())}
    assert told
    assert not told & ids


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_each_product_of_a_list_is_gone_once_it_is_hidden(products, popular, now, placement):
    shopper = shopper_who([*BOUGHT, (3, Kind.VIEW), (27, Kind.VIEW)], products, now)
    query = query_of(placement, shopper, products, now)
    before = recommend(query).product_ids
    assert before
    for hidden in before[:5]:
        controls.hide(shopper, hidden, now=now)
    after = recommend(query)
    assert not {*before[:5]} & {*after.product_ids}
    for entry in after.recommendations:
        assert not {*before[:5]} & {*getattr(entry.reason.evidence, "witnesses", ())}
    for hidden in before[:5]:
        controls.show_again(shopper, hidden)
    assert recommend(query).product_ids == before


def test_rows_and_predictions_do_not_hold_it(products, popular, now):
    shopper = shopper_who([(3, Kind.VIEW), (27, Kind.VIEW)], products, now)
    query = RecommendationQuery("new_for_you", shopper, now=now)
    hidden = because_rows(query)[0].recommendations[0].card.product_id
    controls.hide(shopper, hidden, now=now)
    assert all(hidden not in [entry.card.product_id for entry in row.recommendations] for row in because_rows(query))
    assert hidden not in recommend(query.without_units([("product", products[3].product_id)])).product_ids
