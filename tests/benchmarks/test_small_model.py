import numpy as np
import pytest
import torch

from benchmarks.small_model import draw_histogram, fit_small_model
from recommendations.ml.interactions import InteractionLog
from recommendations.ml.kinds import Kind
from recommendations.ml.splitting import hold_out

N, SHOPPERS = 20, 40


@pytest.fixture(scope="module")
def log():
    """Even shoppers meet products 1 to 10, odd ones 11 to 20; the last of each comes at time 100."""
    rng = np.random.default_rng(0)
    rows = [
        (shopper, item + 1 + 10 * (shopper % 2), 100 if place == 7 else place)
        for shopper in range(SHOPPERS)
        for place, item in enumerate(rng.permutation(10)[:8].tolist())
    ]
    shopper, item, time = np.array(rows).T
    return InteractionLog.from_rows(shopper, item, np.full(len(rows), Kind.PURCHASE), time)


@pytest.fixture(scope="module")
def fitted(log):
    return fit_small_model(log.before(100), N, passes=25)


def test_it_learns_who_likes_what(log, fitted):
    asked = hold_out(log, 100)
    scores = fitted.scores(asked)
    assert scores.shape == (SHOPPERS, N + 1)
    odd = asked.shopper % 2 == 1
    assert scores[odd, 11:].mean() > scores[odd, 1:11].mean() + 1
    assert scores[~odd, 1:11].mean() > scores[~odd, 11:].mean() + 1


def test_scores_of_the_catalog_are_the_models_logits(log, fitted):
    asked = hold_out(log, 100).take([3, 8])
    with torch.inference_mode():
        by_hand = [fitted.model(torch.full((N + 1,), row), torch.arange(N + 1)).numpy() for row in (3, 8)]
    assert np.allclose(fitted.scores(asked), by_hand, atol=1e-5)


def test_a_shopper_who_was_not_fitted_has_the_mean_of_all_vectors(log, fitted):
    shopper = np.array([999, -1])
    assert torch.allclose(fitted._vectors(shopper), fitted.model.shoppers.weight.mean(0).expand(2, -1))


def test_a_fit_repeats_exactly(log):
    first, second = (fit_small_model(log, N, passes=2).scores(hold_out(log, 100)) for _ in range(2))
    assert first.tobytes() == second.tobytes()


def test_the_histogram_counts_right_and_other_products(log, fitted, tmp_path):
    asked = hold_out(log, 100)
    found = fitted.histogram(asked)
    assert sum(found["right"]) == sum(len(targets) for targets in asked.targets) == SHOPPERS
    assert 0 < sum(found["others"]) <= SHOPPERS
    assert (len(found["edges"]), len(found["right"])) == (21, 20)
    middle = (np.array(found["edges"][1:]) + found["edges"][:-1]) / 2
    assert np.average(middle, weights=found["right"]) > np.average(middle, weights=found["others"])
    draw_histogram(found, tmp_path / "histogram.svg")
    assert "<svg" in (tmp_path / "histogram.svg").read_text()
