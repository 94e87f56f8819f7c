import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommendations.ml.training.fit import FitSettings
from recommendations.ml.training.settings import (
    FEWEST_STEPS,
    STEPS_FOR_ORDER,
    VIEWS_OF_A_PRODUCT,
    TrainingSettings,
    plan,
)
from recommendations.ml.training.windows import ROW_LENGTH


def passes(planned, events):
    return planned.steps * planned.fit.rows * ROW_LENGTH / events


def test_a_shop_with_many_events_of_each_product_gets_the_steps_for_their_order_and_little_dropout():
    planned = plan(800_000, 5_000, TrainingSettings())
    assert planned.steps == 2 * STEPS_FOR_ORDER  # twice as many for eight times 100,000
    assert (planned.fit.network.dropout, planned.fit.rate) == (0.2, 4e-3)


def test_a_shop_with_few_events_for_each_product_gets_many_passes_and_much_dropout():
    planned = plan(180_000, 12_000, TrainingSettings())
    assert passes(planned, 180_000) == pytest.approx(VIEWS_OF_A_PRODUCT * 12_000 / 180_000, rel=0.01)
    assert (planned.fit.network.dropout, planned.fit.rate) == (0.5, 2e-3)


def test_a_tiny_shop_gets_the_fewest_steps():
    assert plan(1_000, 50, TrainingSettings()).steps == FEWEST_STEPS


@given(st.integers(1, 10**8), st.integers(2, 10**6))
def test_more_events_never_get_fewer_steps(events, n):
    assert plan(events, n, TrainingSettings()).steps <= plan(2 * events, n, TrainingSettings()).steps


@given(st.integers(0, 10**8), st.integers(2, 10**6))
def test_every_event_is_read(events, n):
    assert plan(events, n, TrainingSettings()).steps * FitSettings().rows * ROW_LENGTH >= 1.49 * events


@given(st.integers(0, 10**8), st.integers(2, 10**6))
def test_no_shop_gets_more_passes_than_the_most(events, n):
    planned = plan(events, n, TrainingSettings())
    assert planned.steps >= FEWEST_STEPS
    assert planned.steps == FEWEST_STEPS or passes(planned, events) <= 40.5


def test_settings_override_the_plan():
    planned = plan(1_000, 50, TrainingSettings(steps=7, dropout=0.3, rate=1e-3, width=16, seed=5))
    assert planned.steps == 7
    assert (planned.fit.network.width, planned.fit.network.feed_forward) == (16, 32)
    assert (planned.fit.network.dropout, planned.fit.rate, planned.fit.seed) == (0.3, 1e-3, 5)


def test_settings_are_json():
    assert json.loads(json.dumps(TrainingSettings().to_dict()))["threads"] == 1
