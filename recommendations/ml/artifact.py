"""A trained recommender as a directory of plain files: what is in it, how it is written and how it is checked."""

import hashlib
import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Literal

import numpy as np

from .ranking import MixWeights, NextItemTable, Score
from .room import ROWS, Room, with_room
from .text import QueryIndex
from .vocabulary import Vocabulary

FORMAT_VERSION = 5
MANIFEST = "manifest.json"
ENCODER = "encoder.onnx"
WEIGHTS = "weights.npz"
VOCABULARY = "vocabulary.json"
ITEM_MATRIX = "item_matrix.npy"
BIAS = "bias.npy"
INDPTR = "next_item_indptr.npy"
INDICES = "next_item_indices.npy"
VALUES = "next_item_values.npy"
OF_NEXT = "next_item_of_next.npy"
POPULARITY = "popularity.npy"
QUERY_WORDS = "query_words.json"
QUERY_INDPTR = "query_indptr.npy"
QUERY_ITEMS = "query_items.npy"
QUERY_VALUES = "query_values.npy"
QUERY_ARRAYS = (QUERY_INDPTR, QUERY_ITEMS, QUERY_VALUES)
ARRAYS = (ITEM_MATRIX, BIAS, INDPTR, INDICES, VALUES, OF_NEXT, POPULARITY, *QUERY_ARRAYS)
FILES = (ENCODER, WEIGHTS, VOCABULARY, QUERY_WORDS, *ARRAYS)
# Kept for the next training, see kept_fits.py: an artifact is whole without it.
KEPT_FITS = "kept_fits.npz"


class ArtifactError(Exception):
    """The directory is not a recommender that this code can read; the text says which file and why."""


@dataclass(frozen=True)
class Manifest:
    """What the files of an artifact are, and the numbers that scoring needs beside them."""

    n: int  # items
    d: int  # width of the item vectors
    length: int  # tokens the network reads
    weights: MixWeights
    eps: float  # scores closer than this count as equal when a "because" is claimed
    trained_kinds: tuple[int, ...]
    settings: dict = field(default_factory=dict)
    libraries: dict = field(default_factory=dict)
    files: dict = field(default_factory=dict)  # name -> sha256
    format_version: int = FORMAT_VERSION

    @property
    def version(self) -> str:
        """A name for these contents: equal exactly when every file and number is equal."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()[:16]

    def to_json(self) -> str:
        """The text of manifest.json."""
        return json.dumps(asdict(self), indent=1, sort_keys=True, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> "Manifest":
        """Read manifest.json; ArtifactError when it is damaged or written by newer code."""
        try:
            values = json.loads(text)
        except ValueError as error:
            raise ArtifactError(f"{MANIFEST} is not JSON: {error}") from error
        if not isinstance(values, dict) or "format_version" not in values:
            raise ArtifactError(f"{MANIFEST} has no format_version; it is no recommender's manifest")
        if values["format_version"] != FORMAT_VERSION:
            raise ArtifactError(
                f"{MANIFEST} has format {values['format_version']}, this release reads {FORMAT_VERSION}; "
                "retrain, or install the release that wrote it"
            )
        if missing := {entry.name for entry in fields(cls)} - set(values):
            raise ArtifactError(f"{MANIFEST} lacks {', '.join(sorted(missing))}; it is damaged, retrain")
        try:
            values["weights"] = MixWeights(**values["weights"])
            values["trained_kinds"] = tuple(values["trained_kinds"])
            return cls(**values)
        except (TypeError, ValueError) as error:
            raise ArtifactError(f"{MANIFEST} is damaged: {error}") from error


def write_arrays(
    directory: Path, score: Score, popularity: np.ndarray, vocabulary: Vocabulary, index: QueryIndex
) -> None:
    """Write all files but the encoder, its weights and the manifest."""
    table = score.next_item
    of_next = table.values if table.of_next is None else table.of_next
    arrays = (with_room(score.item_matrix), score.bias, table.indptr, table.indices, table.values, of_next, popularity)
    for name, array in zip(ARRAYS, (*arrays, index.indptr, index.items, index.values), strict=True):
        np.save(Path(directory) / name, array, allow_pickle=False)
    (Path(directory) / QUERY_WORDS).write_text(json.dumps(list(index.words), ensure_ascii=False), encoding="utf-8")
    (Path(directory) / VOCABULARY).write_text(vocabulary.to_json(), encoding="utf-8")


def write_manifest(directory: Path, manifest: Manifest) -> Manifest:
    """Add every file's checksum to `manifest` and write it: the last step, so that a torn directory has none."""
    complete = Manifest(**{**_shallow(manifest), "files": checksums(directory)})
    (Path(directory) / MANIFEST).write_text(complete.to_json(), encoding="utf-8")
    return complete


def checksums(directory: Path) -> dict[str, str]:
    """sha256 of each file of an artifact; ArtifactError when one that serving reads is missing."""
    kept = (KEPT_FITS,) if (Path(directory) / KEPT_FITS).is_file() else ()
    return {name: _checksum(directory, name) for name in (*FILES, *kept)}


def check_file(directory: Path, name: str, manifest: Manifest) -> None:
    """ArtifactError when one file is missing or not as the manifest says."""
    _expect_sum(name, _checksum(directory, name), manifest)


def _expect_sum(name: str, found: str, manifest: Manifest) -> None:
    expected = manifest.files.get(name)
    if found != expected:
        raise ArtifactError(f"{name} has sha256 {found}, the manifest says {expected}; the file was changed or cut")


def read_bytes(directory: Path, name: str, manifest: Manifest | None) -> bytes:
    """One file whole. ArtifactError when it is missing or, with a manifest, not as that says."""
    try:
        content = (Path(directory) / name).read_bytes()
    except FileNotFoundError as error:
        raise ArtifactError(f"{name} is missing from {directory}") from error
    if manifest is not None:
        _expect_sum(name, hashlib.sha256(content).hexdigest(), manifest)
    return content


def read_manifest(directory: Path) -> Manifest:
    """The manifest alone, files unchecked."""
    try:
        text = (Path(directory) / MANIFEST).read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ArtifactError(f"{MANIFEST} is missing from {directory}") from error
    except UnicodeDecodeError as error:
        raise ArtifactError(f"{MANIFEST} is not JSON: {error}") from error
    return Manifest.from_json(text)


def verify(directory: Path) -> Manifest:
    """Check every file that serving reads; the manifest, or ArtifactError naming the one thing that is wrong."""
    manifest = read_manifest(directory)
    for name in FILES:
        check_file(directory, name, manifest)
    arrays = {name: read_array(directory, name) for name in ARRAYS}
    _check_shapes(manifest, arrays)
    _check_query_index(manifest, read_query_index(directory))
    if len(read_vocabulary(directory)) != manifest.n:
        raise ArtifactError(f"{VOCABULARY} has {len(read_vocabulary(directory))} products, expected {manifest.n}")
    return manifest


def read_array(directory: Path, name: str, mode: Literal["r", "c"] = "r") -> np.ndarray:
    """One array, memory-mapped: to read, or copied page by page where it is written."""
    try:
        return np.load(Path(directory) / name, mmap_mode=mode, allow_pickle=False).view(np.ndarray)
    except (ValueError, EOFError, OSError) as error:
        raise ArtifactError(f"{name} is not a plain numpy array: {error}") from error


def read_vocabulary(directory: Path) -> Vocabulary:
    """The products of an artifact."""
    try:
        return Vocabulary.from_json((Path(directory) / VOCABULARY).read_text(encoding="utf-8"))
    except (ValueError, TypeError) as error:
        raise ArtifactError(f"{VOCABULARY} is no list of product ids: {error}") from error


def read_query_index(directory: Path) -> QueryIndex:
    """What searches stand for."""
    try:
        words = json.loads((Path(directory) / QUERY_WORDS).read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise ArtifactError(f"{QUERY_WORDS} is no list of words: {error}") from error
    return QueryIndex(words, *(read_array(directory, name) for name in (*QUERY_ARRAYS, POPULARITY)))


def read_score(directory: Path, manifest: Manifest) -> Score:
    """The arrays of a verified artifact as a Score, memory-mapped."""
    table = NextItemTable(*(read_array(directory, name) for name in (INDPTR, INDICES, VALUES, OF_NEXT)))
    rows = read_array(directory, ITEM_MATRIX, "c")  # what is written stays in this process
    room = Room(rows, manifest.n + 1)
    return Score(rows[: manifest.n + 1], read_array(directory, BIAS), table, manifest.weights, room)


def read_item_matrix(directory: Path, manifest: Manifest) -> np.ndarray:
    """float32 (n+1, d), memory-mapped."""
    return read_array(directory, ITEM_MATRIX)[: manifest.n + 1]


def _checksum(directory: Path, name: str) -> str:
    path = Path(directory) / name
    if not path.is_file():
        raise ArtifactError(f"{name} is missing from {directory}")
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check_shapes(manifest: Manifest, arrays: dict[str, np.ndarray]) -> None:
    entries = len(arrays[INDICES])
    expected = {
        ITEM_MATRIX: ((manifest.n + 1 + ROWS, manifest.d), np.float32),
        BIAS: ((manifest.n + 1,), np.float32),
        INDPTR: ((manifest.n + 2,), np.int64),
        INDICES: ((entries,), np.int32),
        VALUES: ((entries,), np.float32),
        OF_NEXT: ((entries,), np.float32),
        POPULARITY: ((manifest.n + 1,), np.float32),
    }
    _expect(arrays, expected)
    _check_rows(manifest, arrays, (INDPTR, INDICES))


def _check_query_index(manifest: Manifest, index: QueryIndex) -> None:
    if not isinstance(index.words, list) or not all(isinstance(word, str) for word in index.words):
        raise ArtifactError(f"{QUERY_WORDS} is no list of words")
    arrays = dict(zip(QUERY_ARRAYS, (index.indptr, index.items, index.values), strict=True))
    entries = len(index.items)
    shapes = ((len(index.words) + 1,), np.int64), ((entries,), np.int32), ((entries,), np.float32)
    _expect(arrays, dict(zip(QUERY_ARRAYS, shapes, strict=True)))
    _check_rows(manifest, arrays, (QUERY_INDPTR, QUERY_ITEMS))


def _expect(arrays: dict[str, np.ndarray], expected: dict) -> None:
    for name, (shape, dtype) in expected.items():
        found = arrays[name]
        if found.shape != shape or found.dtype != dtype:
            raise ArtifactError(f"{name} is {found.dtype}{found.shape}, expected {np.dtype(dtype)}{shape}")


def _check_rows(manifest: Manifest, arrays: dict[str, np.ndarray], names: tuple[str, str]) -> None:
    """That a sparse matrix (where its rows begin, items) is one of this artifact's items."""
    (begins, items), (indptr, indices) = names, (arrays[name] for name in names)
    if indptr[0] != 0 or indptr[-1] != len(indices) or (np.diff(indptr) < 0).any():
        raise ArtifactError(f"{begins} does not divide the {len(indices)} entries of {items} into rows")
    if len(indices) and not 1 <= indices.min() <= indices.max() <= manifest.n:
        raise ArtifactError(f"{items} names items outside 1..{manifest.n}")


def _shallow(manifest: Manifest) -> dict:
    return {entry.name: getattr(manifest, entry.name) for entry in fields(manifest)}
