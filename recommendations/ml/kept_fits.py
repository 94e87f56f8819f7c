"""The two fits of a version, kept beside its artifact: the next training starts from them and must be as good.

Serving never reads them. What the judged fit has seen ends where the version's judging began: docs/decisions/0009.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from .artifact import KEPT_FITS, VOCABULARY, WEIGHTS, ArtifactError, check_file, read_manifest, read_vocabulary
from .interactions import InteractionLog
from .vocabulary import Vocabulary

JUDGED = "judged."


@dataclass(frozen=True, eq=False)
class KeptFit:
    """One fit: the network's state by name, and what it has seen."""

    weights: Mapping[str, np.ndarray]
    until: int  # epoch seconds: only rows before
    interactions: int  # so many rows

    def new_share(self, log: InteractionLog) -> float:
        """The share of `log` that the fit had not seen: later rows, and earlier ones that came in since."""
        later = np.count_nonzero(log.time >= self.until)
        return max(later, len(log) - self.interactions) / len(log)


@dataclass(frozen=True, eq=False)
class KeptFits:
    """A version's fits, over the products it knew."""

    version: int
    vocabulary: Vocabulary
    network: Mapping[str, float]  # NetworkSettings
    judged: KeptFit
    final: KeptFit  # what serves; nothing judges it
    mix: dict  # as the version was judged with
    warm_starts: int  # trainings in a row that started from the one before, this one counted; 0: it started cold


@dataclass(frozen=True, eq=False)
class Before:
    """What stands before a training: the current version's fits, and why none may start from them, "" if it may."""

    fits: KeptFits | None = None
    why_cold: str = "no version had been published before"


def write_weights(directory: Path, judged: Mapping[str, np.ndarray], final_bias: np.ndarray) -> None:
    """Keep what an artifact's other files lack, before its manifest is written.

    That is the judged fit's weights, and the final fit's bias before what is recent was added to it.
    """
    weights = {f"{JUDGED}{name}": array for name, array in judged.items()}
    np.savez(Path(directory) / KEPT_FITS, final_bias=final_bias, **weights)


def read_kept_fits(directory: Path, version: int) -> KeptFits:
    """The fits in a folder with their artifact's manifest, vocabulary and weights.

    ArtifactError when they were not kept, as in artifacts of earlier releases, or are damaged.
    """
    manifest = read_manifest(directory)
    if KEPT_FITS not in manifest.files:
        raise ArtifactError(f"version {version} kept no {KEPT_FITS}")
    for name in (KEPT_FITS, VOCABULARY, WEIGHTS):
        check_file(directory, name, manifest)
    try:
        kept, served = (_arrays(Path(directory) / name) for name in (KEPT_FITS, WEIGHTS))
        judged = {name.removeprefix(JUDGED): array for name, array in kept.items() if name.startswith(JUDGED)}
        numbers = manifest.settings["kept_fits"]
        return KeptFits(
            version,
            read_vocabulary(directory),
            manifest.settings["network"],
            KeptFit(judged, **numbers["judged"]),
            KeptFit(served | {"bias": kept["final_bias"]}, **numbers["final"]),
            numbers["mix"],
            numbers["warm_starts"],
        )
    except (ValueError, TypeError, KeyError, EOFError, BadZipFile) as error:
        raise ArtifactError(f"{KEPT_FITS} of version {version} can't be read: {error}") from error


def _arrays(file: Path) -> dict[str, np.ndarray]:
    with np.load(file, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}
