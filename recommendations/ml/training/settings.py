"""How much training a shop's data gets."""

from dataclasses import dataclass, replace

from ..training_settings import TrainingSettings
from .fit import FitSettings
from .network import NetworkSettings
from .windows import ROW_LENGTH

# Often enough for a product's vector where products are many: on those shops more changed the held-out NDCG@10 by less
# than its error.
VIEWS_OF_A_PRODUCT = 300
# Where products are few, their order takes longer: 900 * (events / 100,000) ** (1/3) steps (docs/evaluation.md).
STEPS_FOR_ORDER, EVENTS_OF_THOSE = 900, 100_000
FEWEST_PASSES, MOST_PASSES = 1.5, 40
FEWEST_STEPS = 300
# Events of each product from which on little is learned by heart.
MANY_EVENTS = 30
# A warm fit takes, of a cold one's steps, this many times the share of rows that are new, and its rate begins lower:
# most is learned already. docs/decisions/0009 has what was tried.
STEPS_FOR_NEW, FEWEST_WARM, WARM_RATE = 4.0, 0.05, 0.5


@dataclass(frozen=True)
class Plan:
    """How long and how a network is fitted."""

    steps: int
    fit: FitSettings


def plan(events: int, n: int, settings: TrainingSettings) -> Plan:
    """The plan for `events` interactions with `n` products: a function of their numbers alone, never of the clock.

    The steps are as many as let every product be seen VIEWS_OF_A_PRODUCT times on average, and at least those for the
    order of events; between FEWEST_PASSES and MOST_PASSES over the data, but never less than FEWEST_STEPS. Few events
    of each product call for much dropout and a careful rate, many for the opposite.
    """
    defaults = FitSettings()
    of_a_step = defaults.rows * ROW_LENGTH
    for_order = STEPS_FOR_ORDER * (events / EVENTS_OF_THOSE) ** (1 / 3)
    wanted = max(VIEWS_OF_A_PRODUCT * n / of_a_step, for_order)
    a_pass = events / of_a_step
    steps = max(round(min(max(wanted, FEWEST_PASSES * a_pass), MOST_PASSES * a_pass)), FEWEST_STEPS)
    dropout, rate = (0.2, 4e-3) if events > MANY_EVENTS * n else (0.5, 2e-3)
    network = NetworkSettings(
        width=settings.width,
        feed_forward=2 * settings.width,
        dropout=dropout if settings.dropout is None else settings.dropout,
    )
    fit = replace(defaults, network=network, rate=settings.rate or rate, seed=settings.seed)
    return Plan(settings.steps or steps, fit)


def warm_plan(cold: Plan, new: float) -> Plan:
    """The plan of a fit that begins at another one, when the share `new` of its rows is unknown to that one."""
    share = min(max(STEPS_FOR_NEW * new, FEWEST_WARM), 1.0)
    return Plan(max(round(cold.steps * share), 1), replace(cold.fit, rate=WARM_RATE * cold.fit.rate))
