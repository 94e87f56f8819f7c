"""The processes of one training, as torchrun starts them: the first leads, the others help it fit.

What the leader tells goes over the wire as arrays and JSON, never as a pickle.
"""

import io
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta

import numpy as np
import torch
from torch import Tensor, distributed

# How long the others are waited for in a step, and how long a helper waits for the leader's next word: between two fits
# that one reads, judges and exports. Whoever dies is noticed at once, by the connection that ends.
STEP, WORD = timedelta(minutes=10), timedelta(hours=6)

# Numbers for a JSON document, and arrays.
Word = tuple[dict, dict[str, np.ndarray]]


class TeamBroken(Exception):
    """A process of the team died or is silent: the training can't go on."""


class Team:
    """A process and those it trains with; by default there are none, so nothing is told and nothing added."""

    def __init__(self, rank: int = 0, size: int = 1, words: distributed.ProcessGroup | None = None):
        self.rank, self.size, self._words = rank, size, words
        self.broken = False

    def part(self, count: int) -> slice:
        """Which of `count` rows are this process's: as many as everybody's, but for one."""
        return slice(count * self.rank // self.size, count * (self.rank + 1) // self.size)

    def tell(self, numbers: dict, arrays: dict[str, np.ndarray]) -> None:
        """The leader's word to every helper, who must hear() it. Raises TeamBroken."""
        if self.size > 1:
            self._say(_packed(numbers, arrays))

    def hear(self) -> Word | None:
        """What the leader told, None when it has ended. Raises TeamBroken."""
        length = torch.zeros(1, dtype=torch.int64)
        with self._whole(f"died, or said nothing for {_minutes(WORD)}"):
            distributed.broadcast(length, 0, self._words)
            content = torch.empty(int(length), dtype=torch.uint8)
            if len(content):
                distributed.broadcast(content, 0, self._words)
        return _unpacked(content) if len(content) else None

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        """Give everybody in place the sums of everybody's `tensors`, the same bytes. Raises TeamBroken."""
        if self.size == 1:
            return
        sums = torch.cat([tensor.flatten() for tensor in tensors])
        with self._whole(f"died, or took more than {_minutes(STEP)} for a step"):
            distributed.all_reduce(sums)
        for tensor, found in zip(tensors, sums.split([tensor.numel() for tensor in tensors]), strict=True):
            tensor.copy_(found.view_as(tensor))

    @contextmanager
    def step(self) -> Iterator[None]:
        """A step; when it fails on this side only, the others wait in it and can be told nothing any more."""
        try:
            yield
        except BaseException:
            self.broken = True
            raise

    def end(self) -> None:
        """Let the helpers go, if they can still hear it."""
        if self.size > 1 and not self.broken:
            with suppress(TeamBroken):
                self._say(torch.empty(0, dtype=torch.uint8))

    def _say(self, content: Tensor) -> None:
        with self._whole(f"died, or took more than {_minutes(STEP)} for a step"):
            distributed.broadcast(torch.tensor([len(content)]), 0, self._words, async_op=True).wait(STEP)
            if len(content):
                distributed.broadcast(content, 0, self._words, async_op=True).wait(STEP)

    @contextmanager
    def _whole(self, trouble: str) -> Iterator[None]:
        self.broken = True  # until all is said: half a word can't be followed by another
        try:
            yield
        except RuntimeError as error:  # torch's word for a lost connection and for time that is up
            whom = "Another process" if self.rank == 0 else "The leading process"
            raise TeamBroken(
                f"{whom} of this training {trouble}; what it and torchrun printed last says why. Start torchrun again: "
                "the training goes on from its last checkpoint."
            ) from error
        self.broken = False


_current = Team()


def current() -> Team:
    """The team that this process has joined."""
    return _current


@contextmanager
def joined() -> Iterator[Team]:
    """The team of the processes that torchrun started, all of which must join. Raises TeamBroken when they do not."""
    global _current
    try:
        distributed.init_process_group("gloo", timeout=STEP)
        words = distributed.new_group(timeout=WORD)
    except RuntimeError as error:
        raise TeamBroken(f"The processes of this training did not find each other: {error}") from error
    _current = Team(distributed.get_rank(), distributed.get_world_size(), words)
    try:
        yield _current
    finally:
        if _current.rank == 0:
            _current.end()
        _current = Team()
        distributed.destroy_process_group()


def _minutes(time: timedelta) -> str:
    return f"{time.total_seconds() / 60:g} minutes"


def _packed(numbers: dict, arrays: dict[str, np.ndarray]) -> Tensor:
    content = io.BytesIO()
    np.savez(content, json=np.frombuffer(json.dumps(numbers).encode(), np.uint8), **arrays)
    return torch.frombuffer(content.getbuffer(), dtype=torch.uint8)


def _unpacked(content: Tensor) -> Word:
    with np.load(io.BytesIO(content.numpy().tobytes()), allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    return json.loads(arrays.pop("json").tobytes()), arrays
