"""What can be set about a training, and how much of it a shop's data gets."""

from dataclasses import asdict, dataclass, replace

from .fit import FitSettings
from .network import NetworkSettings
from .windows import ROW_LENGTH

# Often enough for a product's vector: on the shops measured, more changed the held-out NDCG@10 by less than its error.
VIEWS_OF_A_PRODUCT = 300
FEWEST_PASSES, MOST_PASSES = 1.5, 40
FEWEST_STEPS = 300
# With so few passes nothing is seen often enough to be learned by heart.
FEW_PASSES = 10
# A warm fit takes, of a cold one's steps, this many times the share of rows that are new, and its rate begins lower:
# most is learned already. docs/decisions/0009 has what was tried.
STEPS_FOR_NEW, FEWEST_WARM, WARM_RATE = 4.0, 0.05, 0.5


@dataclass(frozen=True)
class TrainingSettings:
    """How a training is done; every default works, `None` means chosen from the size of the data."""

    seed: int = 0
    threads: int = (
        1  # a second one makes a step 1.6 times as fast on an idle machine, 2 times as slow beside a busy one
    )
    held_out: float = 0.1  # newest share of the interactions that judges
    shoppers_needed: int = 50
    shoppers_judged: int = 4000  # at most; half of them choose the weights of the mix, half judge
    standard_errors: float = 0.5  # by how many a lead over a baseline must exceed 0, so that luck is not published
    errors_behind: float = (
        1.96  # by how many it may fall behind the current version: only what is surely worse is refused
    )
    warm_starts: int = 0  # trainings in a row that may start from the one before; 0: each starts cold
    steps: int | None = None
    dropout: float | None = None
    rate: float | None = None
    width: int = 64
    max_seconds: float = 3600.0  # a training that takes longer is given up

    def to_dict(self) -> dict:
        """As JSON-able values."""
        return asdict(self)


@dataclass(frozen=True)
class Plan:
    """How long and how a network is fitted."""

    steps: int
    fit: FitSettings


def plan(events: int, n: int, settings: TrainingSettings) -> Plan:
    """The plan for `events` interactions with `n` products: a function of their numbers alone, never of the clock.

    The steps are as many as let every product be seen VIEWS_OF_A_PRODUCT times on average, between FEWEST_PASSES
    and MOST_PASSES over the data, at least FEWEST_STEPS. Many passes over few events call for much dropout and a
    careful rate, few passes over many events for the opposite.
    """
    defaults = FitSettings()
    rows_of_a_pass = max(events / ROW_LENGTH, 1)
    passes = min(max(VIEWS_OF_A_PRODUCT * n / max(events, 1), FEWEST_PASSES), MOST_PASSES)
    steps = max(round(passes * rows_of_a_pass / defaults.rows), FEWEST_STEPS)
    few = passes < FEW_PASSES
    dropout, rate = (0.2, 4e-3) if few else (0.5, 2e-3)
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
