"""What reasons say in planted cases (planted_shops.py), whatever scored them: a trained recommender or a made one."""

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import mean

import numpy as np

from benchmarks.planted_shops import PRODUCTS, SHOPS, Case
from recommendations.ml.pairs import EitherEnough
from recommendations.ml.ranking import top_k
from recommendations.ml.reasons import LeaveOneOut
from recommendations.ml.scorer import Scorer
from recommendations.ml.sequences import History
from recommendations.ml.staying import Reading

LIMIT = 5


@dataclass(frozen=True)
class Outcome:
    """What the reasons say in one case."""

    shown: bool  # P is in the list
    learned: bool  # the network itself follows the rule: P comes and goes with the cause
    recovered: bool
    named_wrongly: bool  # something that is no cause is named


def outcome(cause: str, case: Case, scorer: Scorer) -> Outcome:
    """Whether the reason for P names the cause and nothing else.

    One product, both of two, order: single products that may be named. Either of two: the pair, and no single product.
    Suppressor: recovered while what speaks against P is not named. Popularity: recovered while nothing is named.
    """
    shop, shown = SHOPS[cause], first(scorer, case.history)
    if cause == "popularity":
        named = any(found for item in shown for found in reasons(scorer, case.history, item))
        return Outcome(True, True, not named, named)
    p, allowed = case.plant.p, set(case.plant.named(shop.may_name))
    found = reasons(scorer, case.history, p) if p in shown else []
    wrong = any(not set(anchors) <= allowed for anchors in found)
    if cause == "or":
        right = bool(found) and all(set(anchors) == allowed for anchors in found)
    elif cause == "suppressor":
        right = not any(case.plant.b in anchors for anchors in found)
    else:
        right = bool(found) and not wrong and all(len(anchors) == 1 for anchors in found)
    return Outcome(p in shown, follows_rule(cause, case, scorer), right, wrong)


def follows_rule(cause: str, case: Case, scorer: Scorer) -> bool:
    """Whether the network has learned the rule: with other products in the places of the causes P is shown where it is
    due and only there. Nothing is removed here, so this says nothing about reasons.
    """
    shop, p = SHOPS[cause], case.plant.p
    enough = all(p in first(scorer, history) for history in [case.history, *map(case.instead, shop.enough)])
    return enough and not any(p in first(scorer, case.instead(letters)) for letters in shop.lacking)


def first(scorer: Scorer, history: History, limit: int = LIMIT) -> list[int]:
    """The list for a history: what the shopper has not met, best first."""
    scores = scorer.scores([history])[0]
    scores[history.items] = -np.inf
    return top_k(scores, limit).tolist()


def reasons(scorer: Scorer, history: History, item: int) -> list[tuple[int, ...]]:
    """What a reason for a shown item may name, as serving finds it: single units, else pairs of which either does."""
    whole, rivals = Reading.of(scorer, history), np.ones(PRODUCTS + 1, bool)
    rivals[[0, *history.items]] = False
    scores = np.where(rivals, whole.scores, -np.inf)
    pool = top_k(scores, PRODUCTS).astype(np.int32)
    place = pool.tolist().index(item) + 1
    left = LeaveOneOut(scorer, history, pool, scores[pool])
    if causes := left.causes(item, place, LIMIT):
        return [cause.anchors for cause in causes]
    pairs = EitherEnough(left, whole, rivals, left.units).causes({item: place}, LIMIT)[item]
    return [pair.cause.anchors for pair in pairs]


@dataclass(frozen=True)
class Recovery:
    """What the reasons of a planted shop say; shares of cases."""

    recovered: float  # in which the cause, and nothing but the cause, is named
    shown: float  # in which P is in the list
    learned: float  # in which the network itself follows the rule
    recovered_of_learned: float | None  # of those
    named_wrongly: float  # in which something else is named
    published: bool  # whether the recommender beat the baselines; if not, popular products are shown, without a cause


def summary(outcomes: Iterable[Outcome], published: bool = True) -> Recovery:
    """The shares of some cases."""
    outcomes = list(outcomes)
    learned = [outcome for outcome in outcomes if outcome.learned]
    return Recovery(
        recovered=mean(outcome.recovered for outcome in outcomes),
        shown=mean(outcome.shown for outcome in outcomes),
        learned=len(learned) / len(outcomes),
        recovered_of_learned=mean(outcome.recovered for outcome in learned) if learned else None,
        named_wrongly=mean(outcome.named_wrongly for outcome in outcomes),
        published=published,
    )
