"""What the staff's page tells is computed by what serves, and adds up."""

import math
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recommendations.ml.kinds import Kind
from recommendations.ml.ranking import MixWeights
from recommendations.models import HiddenProduct, Product, RemovedProduct
from recommendations.publishing import current_recommender
from recommendations.serving import RecommendationQuery, recommend, why
from recommendations.serving.candidates import history_pool
from recommendations.serving.eligibility import eligible_items
from recommendations.serving.looking import Inspection, look
from recommendations.serving.looking.paths import filters, path
from recommendations.serving.memory import read_memory
from tests.examples import examples
from tests.published import publish_made_artifact
from tests.serving.test_truth import EVENTS, shopper_who
from tests.shop.models import Book

some_examples = settings(
    max_examples=examples(10), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def query(shopper, books, products, did):
    did(shopper, books[:3], Kind.PURCHASE, timedelta(days=3))
    did(shopper, [books[4], books[1], books[7], books[4]], Kind.VIEW)
    return RecommendationQuery("home", shopper, limit=5)


def test_units_stand_in_time_order_with_what_was_done(query, books):
    told = look(Inspection(query))
    found = [(unit.title, unit.event, unit.events) for unit in told.units]
    assert found == [
        ("Book 5", "viewed", 2),
        ("Book 8", "viewed", 1),
        ("Book 2", "bought", 2),
        ("Book 3", "bought", 1),
        ("Book 1", "bought", 1),
    ]
    assert len({unit.mark for unit in told.units}) == 5
    assert told.units[0].last > told.units[1].last > told.units[2].last


def test_the_heat_map_is_the_leave_one_out_that_serves(query):
    told = look(Inspection(query))
    memory = read_memory(query.shopper, query.now)
    pool = history_pool(current_recommender(), query, memory)
    scorer, history, ids = pool.loaded.scorer, pool.history, [pool.product_id(int(item)) for item in pool.items]
    for row in told.heat.rows:
        without = scorer.scores([history.without(row.unit.number)], pool.items)[0].astype(float)
        kept = pool.items != row.unit.number
        before = pool.scores - np.log(np.exp(pool.scores[kept].astype(float)).sum())
        after = without - np.log(np.exp(without[kept]).sum())
        expected = [(before - after)[ids.index(product_id)] for product_id in told.heat.columns]
        np.testing.assert_allclose([cell.effect for cell in row.cells], expected, atol=1e-4)
        assert row.total == pytest.approx(sum(cell.effect for cell in row.cells))
    columns = zip(*[[cell.effect for cell in row.cells] for row in told.heat.rows], strict=True)
    assert told.heat.totals == pytest.approx([sum(column) for column in columns], abs=1e-5)
    assert told.heat.total == pytest.approx(sum(row.total for row in told.heat.rows), abs=1e-5)


def test_what_a_product_rests_on_is_found_by_taking_away_the_strongest_again_and_again(query):
    told = look(Inspection(query))
    pool = Inspection(query).pool
    scorer, column = pool.loaded.scorer, [pool.product_id(int(item)) for item in pool.items].index(told.path.product_id)

    def log_share(gone):
        scores = scorer.scores([pool.history.without(*gone)], pool.items)[0].astype(float) if gone else pool.scores
        scores = np.where(np.isin(pool.items, gone), -np.inf, scores.astype(float))
        before = np.where(np.isin(pool.items, gone), -np.inf, pool.scores.astype(float))
        fallen = before[column] - np.log(np.exp(before).sum()) - scores[column] + np.log(np.exp(scores).sum())
        return fallen, int((scores > scores[column]).sum()) + 1

    gone, fallen = [], 0.0
    for step in told.rests_on:
        left = [number for number in pool.history.units() if number not in gone]
        assert step.unit.number == max(left, key=lambda number: log_share([*gone, number])[0])
        gone.append(step.unit.number)
        effect, place = log_share(gone)
        assert (step.effect, step.place) == (pytest.approx(effect, abs=1e-4), place)
        assert step.effect > fallen
        fallen = step.effect
    column = told.heat.columns.index(told.path.product_id)
    assert told.rests_on[0].effect == pytest.approx(max(row.cells[column].effect for row in told.heat.rows), abs=1e-5)
    assert 2 <= len(gone) < len(told.units)


def test_a_product_that_is_not_shown_rests_on_nothing(query, books):
    assert look(Inspection(query), str(books[7].pk)).rests_on == ()


def test_shades_follow_the_effects(query):
    cells = [cell for row in look(Inspection(query)).heat.rows for cell in row.cells]
    assert {cell.shade for cell in cells} > {0, 3}
    for cell in cells:
        times = math.exp(abs(cell.effect))  # as probable, or as improbable
        shade = 3 if times >= 5 else 2 if times >= 2 else 1 if times >= 1.2 else 0
        assert cell.shade == math.copysign(shade, cell.effect)


@some_examples
@given(events=EVENTS)
def test_cells_are_marked_where_a_reason_may_name_the_unit(products, now, events):
    query = RecommendationQuery("home", shopper_who(events, products, now), limit=5, now=now)
    told = look(Inspection(query))
    marked = {
        (row.unit.type, row.unit.key, product_id): cell.tier
        for row in (told.heat.rows if told.heat else ())
        for product_id, cell in zip(told.heat.columns, row.cells, strict=True)
        if cell.tier
    }
    expected = {
        (*anchor.unit, entry.product_id): cause.tier
        for entry in told.shown
        for cause in why(query, entry.product_id).causes
        for anchor in cause.anchors
    }
    assert marked == expected


def test_each_term_is_its_part_of_the_formula(books, query):
    mix = MixWeights(table=0.5, table_eps=0.01, repeat=1.5, repeat_decay=0.9, network=0.25, bought=2.0)
    publish_made_artifact(weights=mix)
    inspection = Inspection(query)
    score = inspection.pool.loaded.scorer.score
    parts = score.parts(inspection.reading, [inspection.pool.history])
    for item in range(1, 61):
        terms = path(inspection, inspection.pool.product_id(item)).terms
        bias, strength, repeats = score.bias[item], parts.table[0, item], parts.repeats[0, item]
        assert terms.network == pytest.approx(0.25 * (parts.network[0, item] - bias), abs=1e-4)
        assert terms.bias == pytest.approx(0.25 * bias, abs=1e-4)
        assert terms.table == pytest.approx(0.5 * math.log(0.01 + strength), abs=1e-4)
        assert terms.repeats == pytest.approx(1.5 * math.log1p(repeats) + 2.0 * (repeats > 0), abs=1e-4)


def test_the_terms_add_up_to_the_served_score(query):
    inspection = Inspection(query)
    for entry in look(inspection).shown:
        found = path(inspection, entry.product_id)
        terms = found.terms
        assert terms.total == pytest.approx(entry.score, abs=1e-4)
        parts = terms.network, terms.bias, terms.table, terms.repeats
        assert sum(parts) == pytest.approx(terms.total, abs=1e-4)
        assert (found.rank, found.place, found.source) == (entry.rank, entry.place, "recommender")
        assert not found.is_left_out
    odds = [path(inspection, inspection.pool.product_id(int(i))).log_probability for i in inspection.pool.items]
    assert np.exp(odds).sum() == pytest.approx(1, abs=1e-4)


@some_examples
@given(
    events=EVENTS,
    hidden=st.integers(0, 59),
    gone=st.integers(0, 59),
    placement=st.sampled_from(["home", "new_for_you", "buy_again"]),
)
def test_a_filter_says_so_exactly_where_the_list_may_not_show_it(products, now, events, hidden, gone, placement):
    shopper = shopper_who(events, products, now)
    HiddenProduct.objects.create(shopper=shopper, product=products[hidden], until=now + timedelta(days=1))
    RemovedProduct.objects.create(shopper=shopper, product=products[gone], removed_at=now)
    inspection = Inspection(RecommendationQuery(placement, shopper, limit=5, now=now))
    eligible = eligible_items(current_recommender(), inspection.query, inspection.memory)
    for place in {hidden, gone, 0, 30, *(place for place, _ in events)}:
        rules = filters(inspection, products[place].product_id)
        assert any(rule.leaves_out for rule in rules) != eligible[place + 1]


def why_not(query, book):
    """The names of the filters that leave it out."""
    rules = look(Inspection(query), str(book.pk)).path.filters
    return [rule.name for rule in rules if rule.leaves_out]


def test_each_filter_has_its_name(query, books, did):
    assert why_not(query, books[4]) == ["met"]
    assert why_not(query, books[0]) == []
    assert why_not(replace(query, placement="new_for_you"), books[0]) == ["bought"]
    assert why_not(replace(query, placement="buy_again"), books[30]) == ["not_bought"]
    did(query.shopper, [books[9]], Kind.ADD_TO_CART)
    assert why_not(query, books[9]) == ["in_basket", "met"]
    HiddenProduct.objects.create(
        shopper=query.shopper, product=Product.objects.get(product_id=str(books[10].pk)), until=query.now + timedelta(1)
    )
    assert why_not(query, books[10]) == ["hidden"]
    RemovedProduct.objects.create(shopper=query.shopper, product=Product.objects.get(product_id=str(books[4].pk)))
    assert why_not(query, books[4]) == ["removed"]
    Book.objects.filter(pk=books[11].pk).update(members_only=True)
    assert why_not(query, books[11]) == ["not_for_sale"]
    new = Book.objects.create(name="Brand new")
    assert why_not(query, new) == ["unknown_to_version"]
    assert look(Inspection(query), str(new.pk)).path.terms is None


def test_why_not_another_product_tells_gap_and_what_decides(query):
    inspection = Inspection(query)
    served = recommend(query)
    pool = inspection.pool
    other, last = int(pool.items[8]), int(pool.items[4])
    found = look(inspection, pool.product_id(other)).contrast
    assert found.over == served.product_ids[-1] == pool.product_id(last)
    assert found.gap == pytest.approx(float(pool.scores[4] - pool.scores[8]), abs=1e-4)
    assert [favour.favour for favour in found.favours] == sorted((f.favour for f in found.favours), reverse=True)
    left = inspection.left
    for favour in found.favours:
        row = left.units.index(favour.unit.number)
        assert favour.favour == pytest.approx(float(left.effect[row, 4] - left.effect[row, 8]), abs=1e-4)
    assert look(inspection, pool.product_id(last)).contrast is None


def test_neither_of_two_products_speaks_for_itself(query, books):
    found = look(Inspection(query), str(books[4].pk)).contrast
    assert {favour.unit.title for favour in found.favours} == {"Book 8", "Book 2", "Book 3", "Book 1"} - {
        found.over_title
    }


def test_the_sandbox_is_the_list_served_without_it(query):
    inspection = Inspection(query)
    units = list(inspection.units.values())
    kept = [unit.mark for unit in units[2:]]
    found = look(inspection, kept=kept).sandbox
    assert found.without == tuple(units[:2])
    after = recommend(replace(query, without=tuple(unit.key for unit in units[:2]))).product_ids
    before = recommend(query).product_ids
    assert after != before
    assert [move.product_id for move in found.moves if move.after] == after
    assert [move.after for move in found.moves if move.after] == [1, 2, 3, 4, 5]
    assert {move.product_id: move.before for move in found.moves if move.before} == {
        product_id: place for place, product_id in enumerate(before, start=1)
    }
    assert look(inspection, kept=[unit.mark for unit in units]).sandbox is None


def test_without_everything_it_is_the_list_of_strangers(query, popular):
    found = look(Inspection(query), kept=[]).sandbox
    assert len(found.without) == 5
    shown = [move.product_id for move in found.moves if move.after]
    assert shown == recommend(replace(query, without=tuple(unit.key for unit in found.without))).product_ids


def test_ablations_change_what_they_should(query):
    """Only bought products are known kinds of the made artifact, and only they repeat."""
    inspection = Inspection(query)
    told = {ablation.part: ablation.changes for ablation in look(inspection).ablations}
    assert list(told) == ["kinds", "table", "repeats"]
    score, pool = inspection.pool.loaded.scorer.score, inspection.pool
    parts = score.parts(inspection.reading, [pool.history], pool.items)
    nothing = {"table": score.weights.table * np.log(score.weights.table_eps), "repeats": 0.0}
    for part, base in nothing.items():
        for change in told[part]:
            terms = path(inspection, change.product_id).terms
            assert change.score == pytest.approx(base - getattr(terms, part), abs=1e-4)
    weights = score.weights
    without_repeats = weights.network * parts.network[0] + weights.table * np.log(parts.table[0] + weights.table_eps)
    places = {int(item): place for place, item in enumerate(pool.items[np.argsort(-without_repeats, kind="stable")], 1)}
    for change in told["repeats"]:
        assert change.place_after == places[pool.loaded.scorer.vocabulary.number(change.product_id)]
    assert any(abs(change.score) > 1e-3 for change in told["kinds"])


def test_attention_is_told_by_layer_and_head(query):
    inspection = Inspection(query)
    found = look(inspection).attention
    assert found.heads == ((1, 1), (1, 2), (2, 1), (2, 2))
    assert [token.unit.title for token in found.tokens] == [
        "Book 5", "Book 8", "Book 2", "Book 5", "Book 3", "Book 2", "Book 1",
    ]  # fmt: skip
    np.testing.assert_allclose(np.sum([token.weights for token in found.tokens], axis=0), 1)
    for token in found.tokens:
        assert token.last_layer == pytest.approx(sum(token.weights[2:]) / 2)
    assert found.product_id == look(inspection).shown[0].product_id
    assert -1 <= found.tau <= 1


def test_one_product_alone_has_no_effect_that_could_be_computed(shopper, books, products, did):
    did(shopper, [books[4]])
    told = look(Inspection(RecommendationQuery("home", shopper, limit=5)))
    (row,) = told.heat.rows
    assert {cell.effect for cell in row.cells} == {None}
    assert row.total is told.heat.total is None
    assert set(told.heat.totals) == {None}
    assert told.attention.tau is None
    assert told.rests_on == ()


def test_gaps_have_their_names(shopper, books, did, popular):
    query = RecommendationQuery("home", shopper, limit=5)
    assert look(Inspection(query)).gap == "no_version"
    told = look(Inspection(RecommendationQuery("home", None, limit=5)), str(books[0].pk))
    assert (told.gap, told.shopper, told.heat, told.path.rank) == ("not_personal", None, None, 1)


def test_gaps_of_a_published_version(version, shopper, books, did):
    assert look(Inspection(RecommendationQuery("home", shopper, limit=5))).gap == "no_history"
    did(shopper, [books[0]])
    told = look(Inspection(RecommendationQuery("buy_again", shopper, limit=5)), str(books[3].pk))
    assert (told.gap, told.shown, told.units, told.contrast) == ("nothing_eligible", (), (), None)


def test_popular_products_that_fill_a_list_have_no_column(shopper, books, products, did, popular):
    did(shopper, books[:3], Kind.PURCHASE)
    Product.objects.filter(pk__in=[product.pk for product in products[3:]]).update(available=False)
    extra = Book.objects.bulk_create(Book(name=f"Unlike {letter}") for letter in "abc")  # no word is known
    Product.objects.bulk_create(Product(product_id=str(book.pk), title=book.name) for book in extra)
    told = look(Inspection(RecommendationQuery("home", shopper, limit=5)))
    assert [entry.source for entry in told.shown] == ["recommender"] * 3 + ["new"] * 2
    assert told.heat.ranks == (1, 2, 3)
    assert [entry.place for entry in told.shown] == [1, 2, 3, None, None]


def test_the_version_is_named_with_its_hashes(query, version):
    told = look(Inspection(query)).version
    assert (told.number, told.artifact_sha256) == (version.pk, version.artifact_sha256)
    assert told.files["encoder.onnx"] == current_recommender().scorer.manifest.files["encoder.onnx"]


def test_nothing_rests_on_itself(shopper, books, products, did):
    did(shopper, [books[4], books[9], books[30]], Kind.PURCHASE)
    shown = recommend(RecommendationQuery("buy_again", shopper)).product_ids
    assert len(shown) == 3
    for product_id in shown:
        told = look(Inspection(RecommendationQuery("buy_again", shopper)), product_id)
        named = [step.unit.key for step in told.rests_on]
        assert product_id not in named


def test_the_only_one_of_a_history_rests_on_nothing(shopper, books, products, did):
    did(shopper, [books[4]], Kind.PURCHASE)
    assert look(Inspection(RecommendationQuery("buy_again", shopper)), str(books[4].pk)).rests_on == ()
