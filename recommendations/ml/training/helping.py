"""What a helper of a fit does: begin where the leader begins, and make every step with it."""

from dataclasses import asdict

import numpy as np
import torch

from ..sequences import Bag, Queries
from .batch import Batch
from .learner import Learner
from .loss import Negatives
from .network import NetworkSettings
from .together import Team, Word
from .windows import Rows


def help_fits(team: Team) -> None:
    """Help in every fit that the leader of the team begins, until it has ended. Raises TeamBroken."""
    learner = None
    while (word := team.hear()) is not None:
        if learner is None or "network" in word[0]:
            learner = begun(*word)
        else:
            learner.learn(batch_from(*word), team)


def told_fit(learner: Learner) -> Word:
    """What a helper begins a fit with."""
    (arrays, numbers), bags = learner.stored(), learner.queries.bags
    numbers |= {"network": asdict(learner.network.settings), "items": len(learner.network.bias) - 1}
    numbers |= {"first_query": learner.queries.first, "threads": torch.get_num_threads()}
    arrays["bag_lengths"] = np.array([len(bag.items) for bag in bags], np.int64)
    arrays["bag_items"] = np.concatenate([np.zeros(0, np.int32), *(bag.items for bag in bags)])
    arrays["bag_weights"] = np.concatenate([np.zeros(0, np.float32), *(bag.weights for bag in bags)])
    return numbers, arrays


def begun(numbers: dict, arrays: dict[str, np.ndarray]) -> Learner:
    """The learner that told_fit() was of."""
    ends = np.cumsum(arrays["bag_lengths"])[:-1]
    items, weights = (np.split(arrays[name], ends) for name in ("bag_items", "bag_weights"))
    bags = [Bag(*bag) for bag in zip(items, weights, strict=True)] if len(arrays["bag_lengths"]) else ()
    torch.set_num_threads(numbers["threads"])
    network = NetworkSettings(**numbers["network"])
    learner = Learner.fresh(numbers["items"], network, Queries(numbers["first_query"], bags))
    learner.restore(arrays, numbers)
    return learner


def told_batch(batch: Batch) -> Word:
    """What a helper makes a step from."""
    negatives = {"negatives": batch.negatives.items.numpy(), "correction": batch.negatives.correction.numpy()}
    return {"rate": batch.rate, "products": len(batch.negatives.column) - 1}, vars(batch.rows) | negatives


def batch_from(numbers: dict, arrays: dict[str, np.ndarray]) -> Batch:
    """The batch that told_batch() was of."""
    negatives = Negatives.of(arrays.pop("negatives"), arrays.pop("correction"), numbers["products"])
    return Batch(Rows(**arrays), negatives, numbers["rate"])
