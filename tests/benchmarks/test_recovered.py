"""What is counted as recovered, on scorers whose rule is written down; and one that learned its rule from a log."""

import numpy as np
import pytest

from benchmarks.planted_shops import PRODUCTS, SHOPS, Plant, planted_cases, planted_log, plants
from benchmarks.recovered import Outcome, follows_rule, outcome, reasons, summary
from recommendations.ml.ranking import MixWeights, NextItemTable, Score

CASES = 30
NETWORK_ALONE = MixWeights(table=0.0, table_eps=1.0, repeat=0.0, repeat_decay=1.0)
NO_TABLE = NextItemTable(np.zeros(PRODUCTS + 2, np.int64), np.zeros(0, np.int32), np.zeros(0, np.float32))


class Scored:
    """What reasons ask of a scorer, for a score that is the network's alone."""

    eps = 1e-4

    def __init__(self, score: Score):
        self.score = score

    def scores(self, histories, items=None):
        return self.score.score(self.encode(histories), histories, items)


class Ruled(Scored):
    """Popular products first; P at the top, by `due(plant, items)`, where it is above 0."""

    def __init__(self, due):
        self._due = due
        bias = -np.arange(PRODUCTS + 1, dtype=np.float32) / 100
        super().__init__(Score(np.eye(PRODUCTS + 1, dtype=np.float32), bias, NO_TABLE, NETWORK_ALONE))

    def encode(self, histories):
        hidden = np.zeros((len(histories), PRODUCTS + 1), np.float32)
        for row, history in zip(hidden, histories, strict=True):
            for plant in plants():
                row[[plant.a, plant.b, plant.p]] = -9
                row[plant.p] += 10 * self._due(plant, history.items.tolist())
        return hidden


class Learned(Scored):
    """A network and its popularity, as fitted, without an export."""

    def __init__(self, network, tables):
        self._network, self._kinds = network, tables.trained_kinds
        matrix, bias = network.item_matrix.detach().numpy(), network.bias.detach().numpy()
        super().__init__(Score(matrix, bias, NO_TABLE, NETWORK_ALONE))

    def encode(self, histories):
        from recommendations.ml.training.judge import encode

        return encode(self._network, histories, self._kinds)


def in_order(plant: Plant, items: list[int]) -> bool:
    return plant.a in items and plant.b in items[items.index(plant.a) :]


RULES = {
    "single": lambda plant, items: plant.a in items,
    "and": lambda plant, items: plant.a in items and plant.b in items,
    # Each of the two adds a little beside the other.
    "or": lambda plant, items: (plant.a in items or plant.b in items) * (1 if RULES["and"](plant, items) else 0.97),
    "repeated": lambda plant, items: items.count(plant.a) >= 2,
    "order": in_order,
    "suppressor": lambda plant, items: (plant.a in items) * (0.95 if plant.b in items else 1),
    "popularity": lambda plant, items: False,
}
CAUSES = list(SHOPS)


def found(cause: str, scorer: Scored) -> list[Outcome]:
    return [outcome(cause, case, scorer) for case in planted_cases(cause, CASES)]


@pytest.mark.parametrize("cause", CAUSES)
def test_every_cause_of_a_rule_that_is_followed_is_named_and_nothing_else(cause):
    assert found(cause, Ruled(RULES[cause])) == [Outcome(True, True, True, False)] * CASES


def test_the_suppressed_product_rests_on_its_cause_alone():
    case = planted_cases("suppressor", 1)[0]
    assert reasons(Ruled(RULES["suppressor"]), case.history, case.plant.p) == [(case.plant.a,)]


def test_either_of_two_is_named_as_a_pair():
    case = planted_cases("or", 1)[0]
    assert reasons(Ruled(RULES["or"]), case.history, case.plant.p) == [(case.plant.a, case.plant.b)]


@pytest.mark.parametrize("cause", [cause for cause in CAUSES if cause not in ("popularity", "suppressor")])
def test_what_is_not_shown_is_not_recovered(cause):
    assert found(cause, Ruled(RULES["popularity"])) == [Outcome(False, False, False, False)] * CASES


@pytest.mark.parametrize("cause", CAUSES)
def test_a_reason_that_rests_on_a_filler_is_wrong(cause):
    """P hangs on whatever was met last."""
    for case in planted_cases(cause, CASES):
        last = case.items[-1]
        if last in (case.plant.a, case.plant.b):
            continue
        judged = outcome(cause, case, Ruled(lambda plant, items, last=last, p=case.plant: plant == p and last in items))
        assert judged.shown
        assert judged.named_wrongly
        assert judged.recovered is (cause == "suppressor")  # what speaks against P is not what was named


def test_a_suppressor_that_is_named_is_counted():
    assert not any(judged.recovered for judged in found("suppressor", Ruled(RULES["and"])))


def test_a_single_product_is_not_the_answer_where_either_is_enough():
    assert not any(judged.recovered for judged in found("or", Ruled(RULES["and"])))


@pytest.mark.parametrize(
    ("cause", "other"),
    [("and", "or"), ("and", "single"), ("or", "and"), ("order", "and"), ("single", "popularity"), ("suppressor", "or")],
)
def test_another_rule_is_not_taken_for_learned(cause, other):
    assert not any(follows_rule(cause, case, Ruled(RULES[other])) for case in planted_cases(cause, CASES))


def test_summary_is_shares_of_the_cases_and_of_those_learned():
    cases = [Outcome(True, True, True, False), Outcome(True, False, False, True), Outcome(True, True, False, False)]
    shares = summary([*cases, Outcome(False, False, False, False)])
    assert (shares.recovered, shares.shown, shares.learned) == (0.25, 0.75, 0.5)
    assert (shares.recovered_of_learned, shares.named_wrongly) == (0.5, 0.25)


def test_where_nothing_was_learned_there_is_no_share_of_it():
    assert summary([Outcome(True, False, True, False)]).recovered_of_learned is None


@pytest.mark.training
def test_what_a_network_learned_from_a_log_is_named():
    from recommendations.ml.training.fit import FitSettings, fit
    from recommendations.ml.training.network import NetworkSettings
    from recommendations.ml.training.tables import build_tables

    log = planted_log("single", shoppers=1_500)
    tables = build_tables(log, PRODUCTS, int(log.time.max()) + 1)
    settings = FitSettings(NetworkSettings(width=16, feed_forward=32, dropout=0.1), rows=32, rate=2e-2)
    network = fit(log, tables, 80, settings, lambda share: None)
    shares = summary(found("single", Learned(network, tables)))
    assert min(shares.learned, shares.recovered) >= 0.95
    assert shares.named_wrongly <= 0.05
