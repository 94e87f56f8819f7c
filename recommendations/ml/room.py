"""Room behind the item matrix, so that newcomers need no copy of it in every process."""

from threading import Lock

import numpy as np

# Rows that an artifact keeps free.
ROWS = 1_000


def with_room(matrix: np.ndarray) -> np.ndarray:
    """The matrix with ROWS of zeros behind it, as an artifact stores it."""
    return np.concatenate((matrix, np.zeros((ROWS, matrix.shape[1]), matrix.dtype)))


class Room:
    """`rows` (N, d), of which the first `taken` are items; written pages alone are this process's own."""

    def __init__(self, rows: np.ndarray, taken: int) -> None:
        self._rows, self._taken, self._taking = rows, taken, Lock()

    def behind(self, matrix: np.ndarray, vectors: np.ndarray) -> np.ndarray:
        """`matrix` with the `vectors` behind it: where it stands, if nobody took that place and it is enough, else a
        copy. `matrix` itself stays as it is.
        """
        with self._taking:
            end = len(matrix) + len(vectors)
            ends_here = matrix.ctypes.data == self._rows.ctypes.data and len(matrix) == self._taken
            if not ends_here or end > len(self._rows):
                return np.concatenate((matrix, vectors))
            self._rows[self._taken : end] = vectors
            self._taken = end
            return self._rows[:end]
