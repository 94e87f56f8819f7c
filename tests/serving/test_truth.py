"""The two promises: a "because" is true, and the list predicted without X is the list served after X is removed."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recommendations import controls
from recommendations.catalog import sync_catalog
from recommendations.ml.kinds import Kind
from recommendations.ml.ranking import MixWeights, Score
from recommendations.ml.reasons import witnesses_needed
from recommendations.models import HiddenProduct, Interaction, Product, Shopper
from recommendations.publishing import current_recommender
from recommendations.serving import RecommendationQuery, because_rows, recommend, why
from tests.examples import examples
from tests.ml.made_artifact import WEIGHTS_OF_THE_MIX, made_table
from tests.shop.models import Book

EVENTS = st.lists(
    st.tuples(
        st.integers(0, 59),
        st.sampled_from(list(Kind)),
    ),
    min_size=1,
    max_size=25,
)
SOLD_OUT = st.sets(st.integers(0, 59), max_size=15)
# What a recommender may have learned: vectors and followers by chance, and which parts of the score count.
LEARNED = st.tuples(
    st.integers(0, 4),
    st.sampled_from(
        [
            WEIGHTS_OF_THE_MIX,
            MixWeights(table=0.0, table_eps=0.01, repeat=0.0, repeat_decay=1.0),
            MixWeights(table=3.0, table_eps=1e-4, repeat=0.0, repeat_decay=0.9, network=0.2),
            MixWeights(table=0.5, table_eps=0.1, repeat=2.0, repeat_decay=0.8, network=0.5, bought=3.0),
            MixWeights(table=1.5, table_eps=0.01, repeat=1.0, repeat_decay=0.9, table_reads=50, table_fade=1.0),
            MixWeights(table=0.7, table_eps=0.01, repeat=-2.0, repeat_decay=0.95, bought=-1.0),
            MixWeights(table=0.3, table_eps=0.01, repeat=0.5, repeat_decay=0.95, network=0.2, likeness=1.0),
        ]
    ),
)
many_examples = settings(
    max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def words(place, products):
    """A search: for one product, by the very text of its id, or for two."""
    return " ".join(product.product_id for product in products[place : place + 1 + place % 2])


def shopper_who(events, products, now, shopper=None):
    """A shopper, new if none is given, with these (place, kind) events, oldest first, a minute apart, ending a minute
    ago."""
    shopper = shopper or Shopper.objects.create()
    Interaction.objects.bulk_create(
        Interaction(
            shopper=shopper,
            product=None if kind == Kind.SEARCH else products[place],
            query=words(place, products) if kind == Kind.SEARCH else "",
            kind=kind,
            source=Interaction.Source.SERVER,
            occurred_at=now - timedelta(minutes=len(events) - age),
            event_key=age,
        )
        for age, (place, kind) in enumerate(events)
    )
    return shopper


def learn(seed, weights):
    """Another recommender than the published one answers, in this process."""
    scorer = current_recommender().scorer
    rng = np.random.default_rng(seed)
    n, d = scorer.score.item_matrix.shape
    matrix, bias = rng.normal(0, 1, (n, d)).astype(np.float32), rng.normal(0, 0.5, n).astype(np.float32)
    table = made_table(n - 1, rng)
    scorer.score = Score(matrix, bias, table, weights)


def sell_out(places, products):
    """Exactly these can't be bought now; the mirror does not know it yet."""
    Book.objects.update(in_stock=True)
    Book.objects.filter(pk__in=[products[place].product_id for place in places]).update(in_stock=False)


def removed(query, *units):
    """The list really served once products (rows) and searches (texts) are removed."""
    gone = [unit for unit in map(named, units) if controls.remove(query.shopper, **unit, now=query.now)]
    after = recommend(query)
    for unit in gone:
        controls.restore(query.shopper, **unit, now=query.now)
    return after


def named(unit):
    """A product (row) or a search (text) as controls take it."""
    return {"query": unit} if isinstance(unit, str) else {"product_id": unit.product_id}


def units_of(reason):
    """What a reason names: products (rows) and searches (texts)."""
    return [
        anchor.id if anchor.type == "query" else Product.objects.get(product_id=anchor.id) for anchor in reason.anchors
    ]


def without(query, unit):
    """The query for the list predicted without a product (row) or a search (text)."""
    return query.without_units([("query", unit) if isinstance(unit, str) else ("product", unit.product_id)])


def is_out_without_its_anchors(query, entry):
    return entry.card.product_id not in removed(query, *units_of(entry.reason)).product_ids


@many_examples
@given(
    events=EVENTS,
    placement=st.sampled_from(["home", "new_for_you", "cart"]),
    limit=st.integers(1, 12),
    sold_out=SOLD_OUT,
    learned=LEARNED,
)
def test_every_because_is_true_after_a_real_removal(
    products, popular, now, events, placement, limit, sold_out, learned
):
    learn(*learned)
    sell_out(sold_out, products)
    query = RecommendationQuery(placement, shopper_who(events, products, now), limit=limit, now=now)
    for entry in recommend(query).recommendations:
        if entry.reason.tier != "T1":
            continue
        anchor = entry.reason.anchors[0]
        after = removed(replace(query, limit=60), *units_of(entry.reason))
        rank = after.product_ids.index(entry.card.product_id) + 1
        assert rank > limit
        assert rank - entry.reason.evidence.rank_before >= witnesses_needed(1, 1)
        assert anchor.unit != ("product", entry.card.product_id)


@many_examples
@given(events=EVENTS, limit=st.integers(1, 12), sold_out=SOLD_OUT, learned=LEARNED)
def test_the_panel_leads_with_what_the_card_says(products, popular, now, events, limit, sold_out, learned):
    learn(*learned)
    sell_out(sold_out, products)
    query = RecommendationQuery("new_for_you", shopper_who(events, products, now), limit=limit, now=now)
    for entry in recommend(query).recommendations:
        if entry.reason.kind == "because":
            assert why(query, entry.card.product_id).reason.anchors == entry.reason.anchors


@many_examples
@given(
    events=EVENTS,
    placement=st.sampled_from(["home", "new_for_you", "cart", "buy_again"]),
    sold_out=SOLD_OUT,
    learned=LEARNED,
    removed_before=st.sets(st.integers(0, 24), max_size=2).map(lambda found: sorted(found, reverse=True)),
    data=st.data(),
)
def test_the_list_predicted_without_x_is_the_list_served_without_x(
    products, popular, now, events, placement, sold_out, learned, removed_before, data
):
    learn(*learned)
    sell_out(sold_out, products)
    shopper = shopper_who(events, products, now)
    query = RecommendationQuery(placement, shopper, limit=10, now=now)
    place, kind = data.draw(st.sampled_from(sorted(set(events))))
    unit = words(place, products) if kind == Kind.SEARCH else products[place]
    for minutes in removed_before:  # what had been done until then is forgotten, and stays so
        controls.remove(shopper, **named(unit), now=now - timedelta(minutes=minutes))
    before = recommend(query)
    predicted = recommend(without(query, unit))
    after = removed(query, unit)
    assert after.product_ids == predicted.product_ids
    assert [entry.reason for entry in after.recommendations] == [entry.reason for entry in predicted.recommendations]
    assert recommend(query).recommendations == before.recommendations  # undone: the exact list is back


def test_replacing_x_by_another_product_leaves_no_trace_of_x(products, popular, now):
    def without_place(place):
        shopper = shopper_who([(1, Kind.PURCHASE), (place, Kind.PURCHASE), (2, Kind.VIEW)], products, now)
        query = RecommendationQuery("home", shopper, limit=30, now=now, without=(products[place].product_id,))
        shown = {products[7].product_id, products[8].product_id}
        return [
            (entry.card.product_id, entry.score)
            for entry in recommend(query).recommendations
            if entry.card.product_id not in shown
        ]

    assert without_place(7)[:25] == without_place(8)[:25]


def test_a_sole_view_is_the_reason_of_what_a_stranger_would_not_see(products, popular, now):
    shopper = shopper_who([(50, Kind.VIEW)], products, now)
    query = RecommendationQuery("home", shopper, limit=5, now=now)
    stranger = recommend(replace(query, shopper=None, limit=40)).product_ids
    for entry in recommend(query).recommendations:
        place = stranger.index(entry.card.product_id) + 1 if entry.card.product_id in stranger else 100
        assert (entry.reason.kind == "because") == (place > witnesses_needed(entry.rank, 5))


def test_a_sole_view_explains_nothing_while_the_popular_list_is_too_short(version, now):
    products = list(Product.objects.order_by("pk"))
    Product.objects.exclude(pk__in=[row.pk for row in products[:8]]).update(available=False)
    Book.objects.exclude(pk__in=[row.product_id for row in products[:8]]).update(in_stock=False)
    from recommendations.publishing import forget

    forget()
    shopper = shopper_who([(0, Kind.VIEW)], products, now)
    found = recommend(RecommendationQuery("home", shopper, limit=5, now=now))
    assert {entry.reason.kind for entry in found.recommendations} == {"none"}


def test_a_product_new_since_the_training_is_seen_but_read_as_nothing(products, popular, now):
    new = Book.objects.create(name="Fresh from the press")
    sync_catalog()
    row = Product.objects.get(product_id=str(new.pk))
    shopper = shopper_who([(0, Kind.VIEW)], [row], now)
    found = recommend(RecommendationQuery("home", shopper, limit=40, now=now))
    assert str(new.pk) not in found.product_ids
    assert {entry.source for entry in found.recommendations} == {"popular"}


def test_rows_have_one_anchor_and_every_product_goes_when_it_is_removed(products, popular, now):
    shopper = shopper_who([(place, Kind.VIEW) for place in (3, 9, 27, 44)], products, now)
    query = RecommendationQuery("new_for_you", shopper, now=now)
    rows = because_rows(query)
    assert rows
    shown = [entry.card.product_id for row in rows for entry in row.recommendations]
    assert len(shown) == len(set(shown))
    for row in rows:
        assert len(row.recommendations) >= 4
        assert row.text == f"Because you viewed {row.anchor.title}"
        after = removed(replace(query, limit=40), Product.objects.get(product_id=row.anchor.id)).product_ids
        for entry in row.recommendations:
            assert entry.reason.anchors == (row.anchor,)
            assert entry.card.product_id not in after


def test_rows_need_a_history_and_a_recommender(db):
    assert because_rows(RecommendationQuery("new_for_you", Shopper.objects.create())) == []
    assert because_rows(RecommendationQuery("similar", product_id="1")) == []


def test_why_names_every_single_cause(products, popular, now):
    shopper = shopper_who([(place, Kind.VIEW) for place in (3, 9, 27)], products, now)
    query = RecommendationQuery("home", shopper, limit=10, now=now)
    for entry in recommend(query).recommendations:
        told = why(query, entry.card.product_id)
        assert {cause.tier for cause in told.causes} <= {entry.reason.tier}
        if entry.reason.tier == "T2":
            continue
        named = {cause.anchors[0].id for cause in told.causes}
        assert (entry.reason.kind == "because") == bool(named)
        for place in (3, 9, 27):
            if products[place].product_id in named:
                assert entry.card.product_id not in removed(query, products[place]).product_ids


def test_why_of_a_product_that_is_not_shown(products, popular, now):
    query = RecommendationQuery("home", shopper_who([(3, Kind.VIEW)], products, now), now=now)
    assert why(query, products[3].product_id).recommendation is None


def test_a_hidden_product_is_no_witness(products, popular, now):
    shopper = shopper_who([(place, Kind.VIEW) for place in (3, 9, 27)], products, now)
    query = RecommendationQuery("home", shopper, limit=5, now=now)
    seen = [entry.reason.evidence.witnesses for entry in recommend(query).recommendations if entry.reason.evidence]
    hidden = seen[0][0]
    HiddenProduct.objects.create(
        shopper=shopper, product=Product.objects.get(product_id=hidden), until=now + timedelta(days=1)
    )
    for entry in recommend(query).recommendations:
        assert entry.reason.evidence is None or hidden not in entry.reason.evidence.witnesses


def test_the_cause_of_a_row_leads_its_why(products, popular, now):
    for first in range(8):
        views = [(place, Kind.VIEW) for place in (first, first + 13, first + 30)]
        query = RecommendationQuery("new_for_you", shopper_who(views, products, now), limit=40, now=now)
        for row in because_rows(query):
            for entry in row.recommendations:
                told = why(query, entry.card.product_id, row.anchor.id)
                assert told.reason.anchors == (row.anchor,)


def test_the_cause_of_a_card_leads_its_why(products, popular, now):
    shopper = shopper_who([(place, Kind.VIEW) for place in (3, 9, 27)], products, now)
    query = RecommendationQuery("home", shopper, limit=10, now=now)
    for entry in recommend(query).recommendations:
        assert why(query, entry.card.product_id).reason.anchors == entry.reason.anchors


def test_a_row_of_cards_prints_no_label_twice_in_a_row_and_none_four_times(products, popular, now):
    for first in range(12):
        views = [(place, Kind.VIEW) for place in (first, first + 13, first + 30)]
        query = RecommendationQuery("home", shopper_who(views, products, now), limit=12, now=now)
        labels = [
            entry.reason.anchors if entry.reason.kind == "because" and entry.is_labelled else ""
            for entry in recommend(query).recommendations
        ]
        assert not [label for label, after in pairwise(labels) if label and label == after]
        assert max(labels.count(label) for label in set(labels) - {""}) <= 3
