"""How alike products are by their words: from the words to the table that is scored with."""

from math import log as ln
from math import sqrt

import numpy as np
import pytest

from recommendations.ml import text
from recommendations.ml.interactions import InteractionLog
from recommendations.ml.kinds import Kind
from recommendations.ml.newcomers import newcomers_of, with_newcomers
from recommendations.ml.plain import PlainScorer
from recommendations.ml.ranking import MixWeights, NextItemTable, Score
from recommendations.ml.scorer import Scorer
from recommendations.ml.sequences import History
from recommendations.ml.text import build_index
from recommendations.ml.training import likeness as training
from recommendations.ml.training.likeness import likeness
from recommendations.ml.training.reference import ReferenceScorer
from recommendations.ml.training.tables import build_tables
from tests.ml.made_artifact import make_artifact


def tables_of(texts):
    """Counts of three shoppers who went from product 1 to 2, with these words."""
    shopper, item = np.repeat([1, 2, 3], 2), np.tile([1, 2], 3)
    log = InteractionLog.from_rows(shopper, item, np.full(6, Kind.PURCHASE), np.tile([0, 1], 3))
    return build_tables(log, len(texts), 2, build_index(texts))


def test_two_products_are_as_alike_as_the_angle_of_their_words():
    found = likeness(build_index(["red tea", "red pot", "black tea", ""]), 4).toarray()
    # four words; red and tea are of two of the three products with words, pot and black of one
    two, one = ln(1 + 3 / 2), ln(1 + 3)
    red = two / sqrt(2 * two**2) * two / sqrt(two**2 + one**2)
    expected = np.zeros((5, 5))
    expected[1, 2] = expected[2, 1] = expected[1, 3] = expected[3, 1] = red
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_of_equally_alike_products_the_popular_are_kept(monkeypatch):
    monkeypatch.setattr(training, "MOST_ALIKE", 2)
    popularity = np.array([0, 1, 5, 3, 9], np.float32)
    found = likeness(build_index(["tea"] * 4, popularity), 4)
    rows = {item: set(np.flatnonzero(found.toarray()[item]).tolist()) for item in range(5)}
    assert rows == {0: set(), 1: {2, 4}, 2: {3, 4}, 3: {2, 4}, 4: {2, 3}}


def test_a_word_of_many_products_makes_none_of_them_alike(monkeypatch):
    monkeypatch.setattr(training, "MOST_HAVING", 2)
    monkeypatch.setattr(text, "MOST_HAVING", 2)
    index = build_index(["tea red", "tea red", "tea pot"])
    found = likeness(index, 3).toarray()
    assert np.argwhere(found).tolist() == [[1, 2], [2, 1]]
    assert 0 < found[1, 2] < 1  # its length counts the common word
    assert index.alike("tea red").items.tolist() == [1, 2]


def test_of_a_long_text_the_rarest_words_are_compared(monkeypatch):
    for module in (training, text):
        monkeypatch.setattr(module, "MOST_WORDS", 2)
    index = build_index(["tea red tin", "tea red pot", "tea box tin", "tea"])
    found = likeness(index, 4).toarray()
    assert np.flatnonzero(found[1]).tolist() == [2, 3]  # by red and tin, which two products have
    assert np.flatnonzero(found[4]).tolist() == [1, 2, 3]
    assert sorted(index.alike("tea red tin").items.tolist()) == [1, 2, 3]


def test_a_text_is_as_alike_as_a_product_of_that_text():
    texts = ["green tea tin", "green tea", "black tea", "tea pot pot", "green tin box"]
    index = build_index(texts)
    found = likeness(index, 5).toarray()
    for item, told in enumerate(texts, start=1):
        bag = index.alike(told)
        row = np.zeros(6)
        row[bag.items] = bag.weights
        assert row[item] == pytest.approx(1, abs=1e-6)  # to itself
        row[item] = 0
        np.testing.assert_allclose(row, found[item], atol=1e-6)
    assert len(index.alike("quantum").items) == 0


def test_the_table_adds_likeness_and_tells_what_ever_came_next():
    tables = tables_of(["red tea", "red pot", "red tea"])
    plain, cosine = tables.table(0.0, 0.0), tables.likeness.toarray()
    assert plain is tables.next_item[0.0]
    both = tables.table(0.0, 0.5)
    items, values = both.row(1)
    follows = dict(zip(*(array.tolist() for array in plain.row(1)), strict=True))
    assert items.tolist() == [2, 3]
    assert values.tolist() == pytest.approx([follows[2] + 0.5 * cosine[1, 2], 0.5 * cosine[1, 3]], abs=1e-6)
    assert both.followers(1)[0].tolist() == [2]
    assert both.followers(1)[1].tolist() == pytest.approx([follows[2]])  # whatever is alike
    assert both.followed()[[2, 3]].tolist() == pytest.approx([follows[2], 0])
    assert len(both.followers(3)[0]) == 0
    assert tables.alike.row(3)[0].tolist() == [1, 2]


def test_a_product_that_came_later_is_alike_both_ways_and_never_came_next():
    texts = ["green tea", "black tea", "pot"]
    index, weights = build_index(texts), MixWeights(1.0, 0.01, 0.0, 1.0, likeness=0.5)
    quarter = np.array([0.25], np.float32)
    follows = NextItemTable(np.array([0, 0, 1, 1, 1], np.int64), np.array([2], np.int32), quarter, quarter)
    score = Score(np.zeros((4, 2), np.float32), np.zeros(4, np.float32), follows, weights)
    first, second = newcomers_of(index, np.ones(4, np.float32), {"x": "green tea", "y": "tea pot"})
    table = with_newcomers(with_newcomers(score, [first]), [second]).next_item
    items, values = table.row(1)
    assert items.tolist() == [2, 4, 5]
    assert values[:2].tolist() == pytest.approx([0.25, 0.5], abs=1e-6)
    assert table.followers(1)[0].tolist() == [2]
    assert table.row(4)[0].tolist() == [1, 2]
    assert sorted(table.row(5)[0].tolist()) == [1, 2, 3]
    without = with_newcomers(Score(score.item_matrix, score.bias, follows, MixWeights(1.0, 0.01, 0.0, 1.0)), [first])
    assert without.next_item.row(1)[0].tolist() == [2]


def test_every_path_scores_products_that_came_later_alike(tmp_path):
    words = ("tea", "pot", "tin", "red", "green", "black")
    texts = [f"{words[k % 6]} {words[k // 6]}" for k in range(30)]
    make_artifact(tmp_path, n=30, texts=texts)
    plain = Scorer.open(tmp_path)
    newcomers = newcomers_of(plain.query_index, plain.popularity, {"a": "tea red", "b": "green pot", "c": "tin"})
    scorer, reference = plain.with_newcomers(newcomers), ReferenceScorer.open(tmp_path)
    reference.take_in(newcomers)
    third = PlainScorer.open(tmp_path, scorer.vocabulary, newcomers)
    for items in ([31, 3, 32], [5, 33], [1, 2, 3, 31, 33]):
        history = History.of(items, [Kind.VIEW] * len(items))
        served = scorer.scores([history])[0]
        np.testing.assert_allclose(reference.scores(history)[1:], served[1:], atol=1e-4)
        np.testing.assert_allclose(third.scores(history)[1:], served[1:], atol=1e-4)
