"""What several commands ask of their options."""

import os
from argparse import ArgumentTypeError
from pathlib import Path

from django.core.management.base import CommandError


def positive(text: str) -> int:
    """A whole number from 1. Raises ArgumentTypeError."""
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r}: expected a whole number from 1")
    return int(text)


def check_writable(option: str, path: Path | None) -> None:
    """Raise CommandError, before the long work, for a file that could not be written after it; nothing is changed."""
    if path is None:
        return
    was_there = os.path.exists(path)  # of a link: what it names; False where nobody may look
    try:
        path.open("a").close()
    except OSError as error:
        raise CommandError(f"{option} {path}: {error.strerror}; expected a file in a folder that is there.") from error
    if not was_there:
        path.resolve().unlink()  # a link to nothing stays one
