import csv
from collections import Counter

from benchmarks.speed.clock import rates, spread
from benchmarks.speed.made import EVENTS, made_rows, write_csv
from benchmarks.speed.memory import slope


def test_things_are_measured_in_turn_and_the_first_round_does_not_count():
    done = []

    def prepare(name):
        return lambda: lambda: done.append(name) or 100

    found = rates({name: prepare(name) for name in "ab"}, runs=2)
    assert done == ["a", "b"] * 3
    assert {name: len(values) for name, values in found.items()} == {"a": 2, "b": 2}


def test_a_spread_is_the_median_with_the_smallest_and_the_largest():
    assert spread([3.0, 1.0, 2.0]) == {"median": 2.0, "least": 1.0, "most": 3.0}


def test_nobody_does_anything_twice_in_one_second():
    rows = made_rows(3 * EVENTS, products=list(range(1, 40)))
    shoppers = Counter(shopper for shopper, *_ in rows)
    assert shoppers == {0: EVENTS, 1: EVENTS, 2: EVENTS} and rows.shoppers == 3
    assert len(set(rows)) == len({(shopper, time) for shopper, _, _, time in rows}) == 3 * EVENTS


def test_the_file_holds_the_rows_as_an_import_reads_them(tmp_path):
    write_csv([made_rows(2, products=[7])], tmp_path / "rows.csv")
    with (tmp_path / "rows.csv").open() as file:
        first, _ = csv.DictReader(file)
    assert (first["shopper"], first["product"], first["quantity"]) == ("s0", "7", "1")
    assert first["kind"] in ("view", "add_to_cart", "purchase") and first["occurred_at"].endswith("+00:00")


def test_growth_is_told_for_a_million_rows():
    found = {
        "500000": {"import": {"mib": 100}, "read": {"mib": 200}},
        "1500000": {"import": {"mib": 103}, "read": {"mib": 320}},
    }
    assert slope(found) == {"import": 3.0, "read": 120.0}
