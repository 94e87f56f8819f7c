"""How much training a shop's data gets."""

from dataclasses import dataclass, replace

from ..training_settings import TrainingSettings
from .fit import FitSettings
from .network import NetworkSettings
from .windows import ROW_LENGTH

# Often enough for a product's vector: on the shops measured, more changed the held-out NDCG@10 by less than its error.
VIEWS_OF_A_PRODUCT = 300
# What comes after what takes its own time to learn, however few the products are: this for so many events, and twice
# as long for eight times as many.
STEPS_FOR_ORDER, EVENTS_OF_THOSE = 900, 100_000
MOST_PASSES = 40
FEWEST_STEPS = 300
# With so few passes nothing is seen often enough to be learned by heart.
FEW_PASSES = 10
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
    order of events; at most MOST_PASSES over the data, but never less than FEWEST_STEPS. Many views of few events call
    for much dropout and a careful rate, few of many events for the opposite.
    """
    defaults = FitSettings()
    of_a_step = defaults.rows * ROW_LENGTH
    for_order = STEPS_FOR_ORDER * (events / EVENTS_OF_THOSE) ** (1 / 3)
    wanted = max(VIEWS_OF_A_PRODUCT * n / of_a_step, for_order)
    steps = max(round(min(wanted, MOST_PASSES * events / of_a_step)), FEWEST_STEPS)
    dropout, rate = (0.2, 4e-3) if VIEWS_OF_A_PRODUCT * n < FEW_PASSES * events else (0.5, 2e-3)
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
