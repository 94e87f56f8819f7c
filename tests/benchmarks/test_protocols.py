"""Nothing of what is asked reaches what answers: the future is exchanged, and not a byte of the past's counts moves."""

import gzip

import numpy as np
import pytest

from benchmarks.protocols import ask
from benchmarks.public_shops import index_before
from benchmarks.quality_baselines import baselines
from benchmarks.quality_figures import Judge
from recommendations.ml.training.fit import FitSettings, fit
from recommendations.ml.training.mixing import MixSearch
from recommendations.ml.training.network import NetworkSettings
from recommendations.ml.training.tables import build_tables

SHOPPERS, N = 40, 30
SETTINGS = FitSettings(network=NetworkSettings(width=8, feed_forward=16), rows=4)


def made_lists():
    """A list of distinct products for each shopper; every product is somebody's first."""
    rng = np.random.default_rng(0)
    lists = [(rng.permutation(N)[:8] + 1).tolist() for _ in range(SHOPPERS)]
    return [[k % N + 1, *(item for item in row if item != k % N + 1)] for k, row in enumerate(lists)]


def exchanged(lists, place):
    """The same with another product in one place, which the shopper had not met either."""
    others = [max(set(range(1, N + 1)) - set(row)) for row in lists]
    return [
        [*row[: len(row) + place], new, *row[len(row) + place + 1 :]] for row, new in zip(lists, others, strict=True)
    ]


def question_of(folder, lists):
    file = folder / "Made.txt.gz"
    with gzip.open(file, "wt") as stream:
        stream.writelines(f"{shopper} {' '.join(map(str, row))}\n" for shopper, row in enumerate(lists, start=1))
    return ask(str(file), "leave-one-out")


def fitted_bytes(question):
    """Every number that is counted or learned before the question is put."""
    log = question.log.before(question.fit_until)
    tables = build_tables(log, question.products, question.fit_until)
    network = fit(log, tables, 3, SETTINGS, lambda share: None)
    arrays = [tables.popularity, tables.recent, tables.following.toarray()]
    arrays += [array for table in tables.next_item.values() for array in (table.indptr, table.indices, table.values)]
    return [array.tobytes() for array in (*arrays, *(weights.numpy() for weights in network.state_dict().values()))]


def answering_bytes(question):
    """Every number that is chosen or counted before the lists are compared with what came."""
    log = question.log.before(question.choose_from)
    texts = [f"brand{item % 5} shelf{item % 3}" for item in range(question.products)]
    index = index_before(texts, question.log, question.choose_from)
    tables = build_tables(log, question.products, question.choose_from, index)
    network = fit(log, tables, 3, SETTINGS, lambda share: None)
    mix = MixSearch(network, tables, [question.choosing]).best(lambda share: None)
    judge = Judge(question)
    arrays = [mix.score_of(network, tables).bias, mix.values(), judge.popularity, judge.information]
    found = {name: method(question.asked.asked) for name, method in baselines(question).methods.items()}
    return [repr(mix).encode(), *(array.tobytes() for array in (*arrays, *found.values()))]


def asked_bytes(protocol):
    return [history.items.tobytes() for history in protocol.asked.histories]


def target_bytes(protocol):
    return [targets.tobytes() for targets in protocol.asked.targets]


def test_other_test_targets_change_nothing_before_the_question(tmp_path):
    before, after = question_of(tmp_path, made_lists()), question_of(tmp_path, exchanged(made_lists(), -1))
    assert target_bytes(before.asked) != target_bytes(after.asked)
    assert fitted_bytes(before) == fitted_bytes(after)
    assert asked_bytes(before.asked) == asked_bytes(after.asked)
    assert asked_bytes(before.choosing) == asked_bytes(after.choosing)
    assert target_bytes(before.choosing) == target_bytes(after.choosing)


def test_other_test_targets_change_nothing_that_answers(tmp_path):
    """The mix, the baselines with their choices, and what novelty and segments are counted by."""
    before, after = question_of(tmp_path, made_lists()), question_of(tmp_path, exchanged(made_lists(), -1))
    assert answering_bytes(before) == answering_bytes(after)
    assert answering_bytes(before) != answering_bytes(question_of(tmp_path, exchanged(made_lists(), -2)))


def test_other_validation_targets_change_nothing_that_is_fitted(tmp_path):
    before, after = question_of(tmp_path, made_lists()), question_of(tmp_path, exchanged(made_lists(), -2))
    assert target_bytes(before.choosing) != target_bytes(after.choosing)
    assert fitted_bytes(before) == fitted_bytes(after)
    assert asked_bytes(before.choosing) == asked_bytes(after.choosing)


def test_the_bytes_would_tell(tmp_path):
    before, after = question_of(tmp_path, made_lists()), question_of(tmp_path, exchanged(made_lists(), -3))
    assert fitted_bytes(before) != fitted_bytes(after)


def test_by_time_other_products_after_the_split_change_nothing_before_it(tmp_path):
    def asked_with(shift):
        rows = [
            (shopper, (item - 1 + (shift if day > 20 else 0)) % N + 1, day)
            for shopper, items in enumerate(made_lists(), start=1)
            for item, day in zip(items, range(1, 29, 4), strict=False)
        ]
        file = tmp_path / "Tools.csv.gz"
        with gzip.open(file, "wt") as stream:
            stream.write("user_id,item_id,date,category,liked\n")
            stream.writelines(f"{shopper},p{item},2013-12-{day:02},1,1\n" for shopper, item, day in rows)
        return ask(str(file), "time", "2013-12-21")

    before, after = asked_with(0), asked_with(11)
    assert target_bytes(before.asked) != target_bytes(after.asked)
    assert fitted_bytes(before) == fitted_bytes(after)
    assert target_bytes(before.choosing) == target_bytes(after.choosing)


def test_an_earlier_fold_asks_for_the_product_before(tmp_path):
    lists = made_lists()
    question_of(tmp_path, lists)
    earlier = ask(str(tmp_path / "Made.txt.gz"), "leave-one-out", back=1)
    assert [targets.tolist() for targets in earlier.asked.asked.targets] == [[row[-2]] for row in lists]
    assert [targets.tolist() for targets in earlier.choosing.asked.targets] == [[row[-3]] for row in lists]
    assert [history.items.tolist() for history in earlier.asked.asked.histories] == [row[:-2] for row in lists]


def test_an_earlier_fold_knows_nothing_of_the_later_one(tmp_path):
    file = str(tmp_path / "Made.txt.gz")
    question_of(tmp_path, made_lists())
    before = ask(file, "leave-one-out", back=1)
    question_of(tmp_path, exchanged(made_lists(), -1))
    after = ask(file, "leave-one-out", back=1)
    assert fitted_bytes(before) == fitted_bytes(after)
    assert target_bytes(before.asked) == target_bytes(after.asked)


def test_who_has_fewer_than_three_products_left_is_not_asked(tmp_path):
    question_of(tmp_path, [*made_lists(), [1, 2, 3, 4], [1, 2, 3, 4, 5]])
    earlier = ask(str(tmp_path / "Made.txt.gz"), "leave-one-out", back=2)
    assert earlier.asked.asked.shopper.tolist() == [*range(1, SHOPPERS + 1), SHOPPERS + 2]


def dated(folder, days):
    """One shopper a pair of days: a product on each."""
    file = folder / "Tools.csv.gz"
    with gzip.open(file, "wt") as stream:
        stream.write("user_id,item_id,date,category,liked\n")
        stream.writelines(f"{k},p{d},2013-12-{d:02},1,1\n" for k, pair in enumerate(days, start=1) for d in pair)
    return str(file)


def test_by_time_a_fold_is_a_span_earlier_and_as_long(tmp_path):
    file = dated(tmp_path, [(1, 8), (2, 15), (3, 22), (4, 12), (5, 31)])
    # from the 23rd to the 31st are eight days: the fold before asks for what came from the 15th to the 22nd
    earlier = ask(file, "time", "2013-12-23", back=1)
    assert earlier.asked.asked.shopper.tolist() == [2, 3]
    assert earlier.choosing.asked.shopper.tolist() == [1, 4]


def test_a_fold_before_the_first_day_is_refused(tmp_path):
    with pytest.raises(ValueError, match="fewer --folds"):
        ask(dated(tmp_path, [(1, 10), (5, 31)]), "time", "2013-12-21", back=3)


def test_the_last_product_is_not_asked_of_who_had_met_it(tmp_path):
    """It is taken out of the lists: no method could find it."""
    question = question_of(tmp_path, [[1, 2, 3, 4], [2, 3, 4, 2], [3, 1, 3, 4]])
    assert question.asked.asked.shopper.tolist() == [1, 3]
    assert question.choosing.asked.shopper.tolist() == [1, 2]
    assert question.left_out == 1


@pytest.mark.parametrize(
    ("lists", "told"),
    [
        ([[1], [2]], "0 rows to fit on, 0 shoppers who choose, 0 who are asked"),
        ([[1, 2], [2, 3]], "0 rows to fit on, 0 shoppers who choose, 2 who are asked"),
        (
            [[7, 7, 7, 7]] * 3,
            r"6 rows to fit on, 0 shoppers who choose, 0 who are asked \(3 had met the right product\)",
        ),
    ],
)
def test_where_nobody_can_be_asked_it_says_how_many_there_are(tmp_path, lists, told):
    with pytest.raises(ValueError, match=told):
        question_of(tmp_path, lists)


@pytest.mark.parametrize(
    ("split", "told"),
    [
        ("2014-01-01", "--split 2014-01-01: the data runs from 2013-12-01 to 2013-12-31; pass a time within"),
        ("2013-12-01", "--split 2013-12-01: the data runs from 2013-12-01 to 2013-12-31; pass a time within"),
        ("2013-12-10", "nothing happened before 2013-11-19; pass a later --split$"),
    ],
)
def test_a_split_that_leaves_no_past_or_nothing_to_ask_is_refused(tmp_path, split, told):
    with pytest.raises(ValueError, match=told):
        ask(dated(tmp_path, [(1, 10), (5, 31)]), "time", split)


def test_rows_of_one_date_have_no_past(tmp_path):
    with pytest.raises(ValueError, match="the data runs from 2013-12-05 to 2013-12-05"):
        ask(dated(tmp_path, [(5, 5), (5, 5)]), "next-order", "2013-12-05")
