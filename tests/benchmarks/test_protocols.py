"""Nothing of what is asked reaches what answers: the future is exchanged, and not a byte of the past's counts moves."""

import gzip

import numpy as np

from benchmarks.protocols import ask
from recommendations.ml.training.fit import FitSettings, fit
from recommendations.ml.training.network import NetworkSettings
from recommendations.ml.training.tables import build_tables

SHOPPERS, N = 40, 30


def made_lists():
    """A list of distinct products for each shopper; every product is somebody's first."""
    rng = np.random.default_rng(0)
    lists = [(rng.permutation(N)[:8] + 1).tolist() for _ in range(SHOPPERS)]
    return [[k % N + 1, *(item for item in row if item != k % N + 1)] for k, row in enumerate(lists)]


def exchanged(lists, place):
    """The same with one place's products handed round between shoppers."""
    moved = [row[place] for row in lists]
    moved = moved[7:] + moved[:7]
    return [
        [*row[: len(row) + place], new, *row[len(row) + place + 1 :]] for row, new in zip(lists, moved, strict=True)
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
    settings = FitSettings(network=NetworkSettings(width=8, feed_forward=16), rows=4)
    network = fit(log, tables, 3, settings, lambda share: None)
    arrays = [tables.popularity, tables.recent, tables.following.toarray()]
    arrays += [array for table in tables.next_item.values() for array in (table.indptr, table.indices, table.values)]
    return [array.tobytes() for array in (*arrays, *(weights.numpy() for weights in network.state_dict().values()))]


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
