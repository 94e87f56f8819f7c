"""Where a fit starts: at the current version's fit of its kind, where that can be trusted, else at an SVD.

Nothing that is judged may start from weights that have seen what judges it: docs/decisions/0009.
"""

from dataclasses import asdict, dataclass, field, replace

import numpy as np
import torch
from scipy import sparse

from ..interactions import InteractionLog
from ..kept_fits import Before, KeptFit, KeptFits
from ..ranking import MixWeights
from ..splitting import HeldOut
from ..text import NO_INDEX, QueryIndex
from ..vocabulary import Vocabulary
from .fit import popularity_bias
from .judge import encode
from .mixing import Mix
from .network import Network, NetworkSettings
from .settings import Plan, warm_plan
from .tables import Tables, build_tables

# With more new rows than this share a fit starts cold: a warm one would save little.
MOST_NEW = 0.15


@dataclass(frozen=True, eq=False)
class WarmStart:
    """First weights: another network's, of the same items."""

    network: Network
    known: np.ndarray  # bool (n+1): items it has learned; the others start among those they are met with

    def __call__(self, network: Network, tables: Tables) -> None:
        """Give `network`, freshly made, its first weights."""
        new = np.flatnonzero(~self.known)[1:]  # without the padding
        with torch.no_grad():
            fresh = network.item_matrix.detach().numpy()[new]
            network.load_state_dict(self.network.state_dict())
            vectors = network.item_matrix.detach().numpy().copy()
            vectors[~self.known] = 0
            found = among_neighbours(tables.following, vectors, new)
            alone = ~found.any(axis=1)
            found[alone] = fresh[alone]
            network.item_matrix[new] = torch.from_numpy(found)
            network.bias[new] = torch.from_numpy(popularity_bias(tables.popularity)[new])

    def arrays(self) -> list[np.ndarray]:
        """All that it gives."""
        return [self.known, *(tensor.numpy() for tensor in self.network.state_dict().values())]


def among_neighbours(following: sparse.csr_array, vectors: np.ndarray, items: np.ndarray) -> np.ndarray:
    """float32 (k, d): the mean direction of what stands near each item, at its mean length; 0 where nothing does.

    Neighbours without a vector do not count. A plain mean would be short, thus rarely shown.
    """
    near = following[items] + following.T.tocsr()[items]
    sums, lengths = near @ vectors, np.linalg.norm(vectors, axis=1)
    counted = near @ (lengths > 0).astype(np.float32)
    mean_length = near @ lengths / np.maximum(counted, 1e-12)
    return (sums * (mean_length / np.maximum(np.linalg.norm(sums, axis=1), 1e-12))[:, None]).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Carried:
    """The current version's fits over this training's items: one that a fit did not know has no vector there and the
    lowest bias. `tables` are counted from the rows that the judged one had seen.
    """

    fits: KeptFits
    judged: Network
    final: Network
    tables: Tables
    mix: Mix

    @classmethod
    def over(
        cls,
        fits: KeptFits,
        log: InteractionLog,
        vocabulary: Vocabulary,
        cutoff: int,
        index: QueryIndex = NO_INDEX,
    ) -> "Carried":
        """ValueError, saying why, when it has seen what this training judges by, or does not fit this code."""
        if fits.judged.until > cutoff:
            raise ValueError(f"version {fits.version} was fitted on interactions that judge this one")
        seen = log.before(fits.judged.until)
        if len(seen.products()) == 0:
            raise ValueError(f"nothing is left of what version {fits.version} was fitted on")
        judged, final = (_renumbered(fits, fit, vocabulary) for fit in (fits.judged, fits.final))
        tables = build_tables(seen, len(vocabulary), fits.judged.until, index)
        return cls(fits, judged, final, tables, _mix(fits, tables))

    def scores(self, asked: HeldOut) -> np.ndarray:
        """(S, n+1), of the judged fit as it was judged."""
        hidden = encode(self.judged, asked.histories, self.tables.trained_kinds)
        return self.mix.score_of(self.judged, self.tables).score(hidden, asked.histories)

    def judged_start(self) -> WarmStart:
        """Known is what the judged fit had met: of the version's other products it had only heard."""
        return WarmStart(self.judged, _have_vectors(self.judged) & (self.tables.popularity > 0))

    def final_start(self) -> WarmStart:
        """Known is every product of the version."""
        return WarmStart(self.final, _have_vectors(self.final))


def carry(
    before: Before, log: InteractionLog, vocabulary: Vocabulary, cutoff: int, index: QueryIndex = NO_INDEX
) -> tuple[Carried | None, str]:
    """(what can be compared with and perhaps started from, why nothing may be started from it, "" if it may)."""
    if before.fits is None:
        return None, before.why_cold
    try:
        return Carried.over(before.fits, log, vocabulary, cutoff, index), before.why_cold
    except ValueError as error:
        return None, str(error)


@dataclass(frozen=True, eq=False)
class Start:
    """How a fit starts and how long it takes."""

    plan: Plan
    weights: WarmStart | None = None
    told: dict = field(default_factory=dict)  # for the version's row

    @classmethod
    def choose(cls, cold: Plan, carried: Carried | None, why_cold: str, past: InteractionLog, in_a_row: int) -> "Start":
        """Of the fit that is judged, on `past`: warm where nothing speaks against it, at most so often `in_a_row`."""
        why_cold = why_cold or _why_cold(cold, carried, past, in_a_row)
        if why_cold:
            return cls(cold, told={"cold": why_cold, "warm_starts": 0})
        new, fits = carried.fits.judged.new_share(past), carried.fits
        told = {"version": fits.version, "new": round(new, 4), "warm_starts": fits.warm_starts + 1}
        return cls(warm_plan(cold, new), carried.judged_start(), told)

    def of_all(self, cold: Plan, carried: Carried | None, log: InteractionLog) -> "Start":
        """Of the final fit, on the whole log: warm where the judged one was."""
        if self.weights is None or carried is None:
            return Start(cold)
        return Start(warm_plan(cold, carried.fits.final.new_share(log)), carried.final_start())

    def arrays(self) -> list[np.ndarray]:
        """What it starts from, if not from its own counts."""
        return [] if self.weights is None else self.weights.arrays()


def _why_cold(cold: Plan, carried: Carried, past: InteractionLog, in_a_row: int) -> str:
    if in_a_row == 0:
        return "warm starts are off (warm_starts is 0)"
    fits, new = carried.fits, carried.fits.judged.new_share(past)
    theirs, ours = (replace(settings, dropout=0.0) for settings in (carried.judged.settings, cold.fit.network))
    if theirs != ours:
        return f"version {fits.version} has another network: {asdict(theirs)}, this one {asdict(ours)}"
    if new > MOST_NEW:
        return f"{new:.0%} of the interactions are new since version {fits.version}, more than {MOST_NEW:.0%}"
    if fits.warm_starts >= in_a_row:
        return (
            f"{fits.warm_starts} trainings in a row started from the one before, at most {in_a_row} may (warm_starts)"
        )
    return ""


def _have_vectors(network: Network) -> np.ndarray:
    return network.item_matrix.detach().numpy().any(axis=1)


def _mix(fits: KeptFits, tables: Tables) -> Mix:
    try:
        mix = Mix(**{**fits.mix, "weights": MixWeights(**fits.mix["weights"])})
        tables.next_item[mix.power]
    except (KeyError, TypeError) as error:  # of a release that mixed something else
        raise ValueError(f"the mix of version {fits.version} does not fit: {error}") from error
    return mix


def _renumbered(fits: KeptFits, fit: KeptFit, vocabulary: Vocabulary) -> Network:
    """A fit's network for the products of `vocabulary`; ValueError when it does not fit this code's."""
    there = fits.vocabulary.numbers(vocabulary.product_ids)
    known = np.concatenate(([False], there > 0))
    try:
        matrix, bias = fit.weights["item_matrix"], fit.weights["bias"]
        network = Network(len(vocabulary), NetworkSettings(**fits.network))
        items = np.zeros((len(known), matrix.shape[1]), np.float32)
        biases = np.full(len(known), bias[1:].min(), np.float32)
        items[known], biases[known], biases[0] = matrix[there[there > 0]], bias[there[there > 0]], 0
        weights = {**fit.weights, "item_matrix": items, "bias": biases}
        network.load_state_dict({name: torch.from_numpy(array) for name, array in weights.items()})
    except (KeyError, TypeError, IndexError, RuntimeError) as error:  # torch's word for other names and shapes
        raise ValueError(f"the network of version {fits.version} does not fit: {error}") from error
    return network.eval()
