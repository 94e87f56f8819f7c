from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommendations.ml.kinds import SEQUENCE_KINDS, Kind
from recommendations.ml.ranking import (
    FAR,
    Columns,
    MixWeights,
    NextItemTable,
    Score,
    logits,
    next_item_strength,
    top_k,
)
from recommendations.ml.sequences import History
from tests.ml.made_artifact import made_table

WEIGHTS = MixWeights(table=0.5, table_eps=0.1, repeat=2.0, repeat_decay=0.5)
N = 12
RANDOM = np.random.default_rng(3)
HISTORIES = st.lists(
    st.lists(st.tuples(st.integers(1, N), st.sampled_from(SEQUENCE_KINDS)), min_size=1, max_size=30).map(
        lambda events: History.of([i for i, _ in events], [k for _, k in events])
    ),
    min_size=1,
    max_size=5,
)


def made_score(table=None, weights=WEIGHTS):
    rng = np.random.default_rng(1)
    matrix, bias = rng.normal(size=(N + 1, 4)).astype(np.float32), rng.normal(size=N + 1).astype(np.float32)
    return Score(matrix, bias, made_table(N, rng) if table is None else table, weights)


def table_of(rows):
    """{item: {follower: value}} as a table."""
    pairs = [(item, follower, value) for item in range(N + 1) for follower, value in rows.get(item, {}).items()]
    indptr = np.searchsorted([item for item, _, _ in pairs], np.arange(N + 2)).astype(np.int64)
    return NextItemTable(
        indptr, np.array([f for _, f, _ in pairs], np.int32), np.array([v for _, _, v in pairs], np.float32)
    )


def bought(*items):
    return History.of(items, [Kind.PURCHASE] * len(items))


def hidden_of(histories):
    return np.stack([np.full(4, len(history), np.float32) / 10 for history in histories])


def parts_of(history, table=None):
    return made_score(table).parts(np.zeros((1, 4), np.float32), [history])


def test_score_is_the_sum_written_in_the_docstring():
    score = made_score(table_of({1: {2: 0.4}}))
    hidden = np.array([[1, 2, 3, 4]], np.float32)
    found = score.score(hidden, [bought(2, 1)])[0]
    by_hand = hidden[0] @ score.item_matrix[2] + score.bias[2] + 0.5 * np.log(0.1 + 0.4) + 2 * np.log1p(0.5)
    assert found[2] == pytest.approx(by_hand, rel=1e-6)
    assert found.dtype == np.float32


def test_padding_is_never_recommended():
    score = made_score()
    assert score.score(np.zeros((1, 4), np.float32), [bought(1)])[0, 0] == -np.inf
    assert score.score(np.zeros((1, 4), np.float32), [bought(1)], np.array([3, 0]))[0, 1] == -np.inf


def test_the_table_counts_the_last_five_tokens_less_and_less():
    table = table_of({item: {12: 1.0} for item in range(1, 8)})
    assert parts_of(bought(7), table).table[0, 12] == pytest.approx(1)
    assert parts_of(bought(6, 7), table).table[0, 12] == pytest.approx(1.6)
    five = 1 + 0.6 + 0.36 + 0.216 + 0.1296
    assert parts_of(bought(3, 4, 5, 6, 7), table).table[0, 12] == pytest.approx(five)
    assert parts_of(bought(1, 2, 3, 4, 5, 6, 7), table).table[0, 12] == pytest.approx(five)


def test_a_table_that_reaches_far_counts_all_of_the_history_alike():
    table = table_of({item: {12: 1.0} for item in range(1, 8)})
    columns = Columns(len(table.indptr) - 1, None)
    assert next_item_strength(table, [bought(1, 2, 3, 4, 5, 6, 7)], columns, FAR)[0, 12] == pytest.approx(7)
    assert next_item_strength(table, [bought(1, 2, 3, 4)], columns, (2, 0.5))[0, 12] == pytest.approx(1.5)


def test_one_product_viewed_many_times_in_a_row_counts_once_in_the_table():
    table = table_of({1: {12: 1.0}, 2: {12: 1.0}})
    assert parts_of(bought(1, 2, 2, 2), table).table[0, 12] == pytest.approx(1.6)


def test_repeats_fade_with_the_events_since():
    repeats = parts_of(bought(5, 6, 5)).repeats[0]
    assert repeats[5] == pytest.approx(1 + 0.25)
    assert repeats[6] == pytest.approx(0.5)
    assert repeats[7] == 0


def test_repeats_count_purchases_only():
    history = History.of([5, 5, 6], [Kind.PURCHASE, Kind.VIEW, Kind.SAVE])
    assert parts_of(history).repeats[0, [5, 6]].tolist() == [0.25, 0]


@settings(deadline=None)
@given(HISTORIES, st.none() | st.sets(st.integers(0, N), min_size=1))
def test_the_score_is_its_parts_mixed(histories, asked):
    table = table_of({item: {1 + item % N: 0.5, 1 + (item + 3) % N: 0.25} for item in range(1, N + 1)})
    weights = replace(WEIGHTS, network=0.7, bought=0.3)
    score, hidden = made_score(table, weights), hidden_of(histories)
    items = None if asked is None else np.array(sorted(asked), np.int32)
    mixed = score.mixed(score.parts(hidden, histories, items), items)
    np.testing.assert_allclose(score.score(hidden, histories, items), mixed, rtol=0, atol=1e-5)


@settings(deadline=None)
@given(HISTORIES, st.sets(st.integers(1, N), min_size=1))
def test_score_of_an_item_does_not_depend_on_what_else_is_asked(histories, items):
    score, items = made_score(), np.array(sorted(items), np.int32)[::-1]
    hidden = hidden_of(histories)
    together = score.score(hidden, histories)
    np.testing.assert_allclose(score.score(hidden, histories, items), together[:, items], rtol=0, atol=1e-5)
    for item in items:
        alone = score.score(hidden, histories, np.array([item]))
        np.testing.assert_allclose(alone[:, 0], together[:, item], rtol=0, atol=1e-5)


@settings(deadline=None)
@given(HISTORIES)
def test_score_of_a_history_does_not_depend_on_the_batch(histories):
    score, hidden = made_score(), hidden_of(histories)
    together = score.score(hidden, histories)
    for b, history in enumerate(histories):
        alone = score.score(hidden[b : b + 1], [history])[0]
        np.testing.assert_allclose(alone, together[b], rtol=0, atol=1e-5)


@pytest.mark.parametrize(("histories", "items"), [(1, 1), (1, 5000), (51, 1000), (200, 333), (0, 5)])
def test_logits_in_blocks_equal_one_product(histories, items):
    rng = np.random.default_rng(0)
    hidden, matrix = (rng.normal(size=(size, 64)).astype(np.float32) for size in (histories, items))
    found = logits(hidden, matrix)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, hidden.astype(np.float64) @ matrix.T.astype(np.float64), rtol=0, atol=1e-4)


def test_an_item_asked_twice_is_refused():
    with pytest.raises(ValueError, match="holds an item twice"):
        made_score().score(np.zeros((1, 4), np.float32), [bought(1)], np.array([2, 2]))


def test_hidden_vectors_of_other_histories_are_refused():
    with pytest.raises(ValueError, match="1 hidden vectors for 2 histories"):
        made_score().score(np.zeros((1, 4), np.float32), [bought(1), bought(2)])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"table_eps": 0.0}, "table_eps=0.0 must be above 0"),
        ({"repeat_decay": 1.5}, r"repeat_decay=1.5 must be in \(0, 1\]"),
        ({"table_reads": 0}, "table_reads=0, table_fade=0.6: expected >= 1"),
        ({"table_fade": 1.5}, r"table_fade=1.5: expected >= 1, in \(0, 1\]"),
        ({"repeat": float("nan")}, "repeat=nan is not a finite number"),
    ],
)
def test_weights_that_cannot_rank_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        MixWeights(**{"table": 1.0, "table_eps": 0.1, "repeat": 1.0, "repeat_decay": 0.9} | change)


def test_top_k_is_best_first_and_breaks_ties_by_position():
    assert top_k(np.array([1.0, 3.0, 2.0, 3.0]), 3).tolist() == [1, 3, 2]
    assert top_k(np.array([5.0, 5.0, 5.0]), 2).tolist() == [0, 1]


def test_top_k_leaves_out_what_cannot_be_recommended():
    assert top_k(np.array([-np.inf, 1.0, -np.inf]), 3).tolist() == [1]
    assert top_k(np.array([-np.inf]), 3).tolist() == []


@given(st.lists(st.integers(-3, 3), max_size=40), st.integers(1, 10))
def test_top_k_equals_a_full_sort(values, k):
    scores = np.array(values, np.float32)
    assert top_k(scores, k).tolist() == sorted(range(len(values)), key=lambda i: (-values[i], i))[:k]
