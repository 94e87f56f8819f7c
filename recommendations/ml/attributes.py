"""What the catalog tells of products, as numbers that are equal where the values are, and who has what in common.

A number is made of the value's text alone. So a product that came after the training has its numbers at once, and no
artifact needs a list of brands.
"""

from collections.abc import Iterable, Sequence
from hashlib import blake2b

import numpy as np

from .sequences import History, product_tokens

FIELDS = ("brand", "category")
# Newest products of a history of which one must have the same value.
NEWEST = 8
NOT_TOLD = 0

Codes = tuple[int, ...]  # one for each of FIELDS


def codes_of(brand: str, category: Sequence[str]) -> Codes:
    """The codes of a brand and of a whole category path; NOT_TOLD where there is none."""
    return _code(brand), _code("\n".join(category))


def code_table(products: Iterable[Codes]) -> np.ndarray:
    """The codes of products, item 1's first, as int64 (F, n+1)."""
    return np.array([(NOT_TOLD,) * len(FIELDS), *products], np.int64).T.copy()


def in_common(codes: np.ndarray, histories: Sequence[History], asked: np.ndarray | slice) -> np.ndarray:
    """Whether one of a history's newest products has the field's value of each asked item, bool (F, B, M).

    `codes` is int64 (F, n+1); a value that is not told is nobody's.
    """
    newest = [product_tokens(history)[-NEWEST:] for history in histories]
    return np.array([_has_any(field[asked], [field[read] for read in newest]) for field in codes])


def _has_any(values: np.ndarray, wanted: Sequence[np.ndarray]) -> np.ndarray:
    """Which of the values (M) are among each of some arrays of wanted ones (B), bool (B, M)."""
    distinct: dict[tuple[int, ...], np.ndarray] = {}
    found = np.zeros((len(wanted), len(values)), bool)
    for row, codes in zip(found, wanted, strict=True):
        key = tuple(sorted({*codes.tolist()} - {NOT_TOLD}))  # shorter histories mostly share it
        if key not in distinct:
            distinct[key] = _are_among(values, key)
        row[:] = distinct[key]
    return found


def _are_among(values: np.ndarray, wanted: Iterable[int]) -> np.ndarray:
    found = np.zeros(len(values), bool)
    for code in wanted:
        found |= values == code
    return found


def _code(value: str) -> int:
    """Eight bytes: among a million values two are alike with a chance of 3 in 10^8, and are read as one then."""
    return int.from_bytes(blake2b(value.encode(), digest_size=8).digest(), signed=True) if value else NOT_TOLD
