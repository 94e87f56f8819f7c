"""How many of the machine's cores a training takes."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from threadpoolctl import threadpool_limits


@contextmanager
def on_threads(count: int) -> Iterator[None]:
    """torch, numpy and scipy compute on so many threads of this process."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        with threadpool_limits(count, user_api="blas"):  # numpy's and scipy's own threads
            yield
    finally:
        torch.set_num_threads(before)
