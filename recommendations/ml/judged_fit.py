"""The fit that a version was judged by, kept beside its artifact: the next training starts there and must be as good.

Serving never reads it. What it has seen ends where the version's judging began: docs/decisions/0009.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from .artifact import JUDGED_FIT, VOCABULARY, ArtifactError, check_file, read_manifest, read_vocabulary
from .vocabulary import Vocabulary


@dataclass(frozen=True, eq=False)
class JudgedFit:
    """A version's judged fit, over the products it knew."""

    version: int
    vocabulary: Vocabulary
    weights: Mapping[str, np.ndarray]  # the network's state, by name
    network: Mapping[str, float]  # NetworkSettings
    cutoff: int  # epoch seconds: it has seen only rows before
    interactions: int  # so many rows
    mix: dict  # as the version was judged with
    warm_starts: int  # fits in a row that began at another one, this one counted; 0: it began cold


@dataclass(frozen=True, eq=False)
class Before:
    """What stands before a training: the current version's judged fit, and why none may start from it, "" if it may."""

    fit: JudgedFit | None = None
    why_cold: str = "no version is published yet"


def write_weights(directory: Path, weights: Mapping[str, np.ndarray]) -> None:
    """Keep a judged fit's weights in an artifact's folder, before its manifest is written."""
    np.savez(Path(directory) / JUDGED_FIT, **weights)


def read_judged_fit(directory: Path, version: int) -> JudgedFit:
    """The judged fit in a folder with its artifact's manifest and vocabulary.

    ArtifactError when there is none, as in artifacts of earlier releases, or it is damaged.
    """
    manifest = read_manifest(directory)
    if JUDGED_FIT not in manifest.files:
        raise ArtifactError(f"version {version} kept no {JUDGED_FIT}")
    for name in (JUDGED_FIT, VOCABULARY):
        check_file(directory, name, manifest)
    try:
        with np.load(Path(directory) / JUDGED_FIT, allow_pickle=False) as stored:
            weights = {name: stored[name] for name in stored.files}
        numbers, network = manifest.settings["judged_fit"], manifest.settings["network"]
        return JudgedFit(version, read_vocabulary(directory), weights, network, **numbers)
    except (ValueError, TypeError, KeyError, EOFError, BadZipFile) as error:
        raise ArtifactError(f"{JUDGED_FIT} of version {version} can't be read: {error}") from error
