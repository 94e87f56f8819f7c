"""Texts that databases and UTF-8 take: no NUL, no half of a surrogate pair."""

import re

UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def is_storable(text: str) -> bool:
    """Whether every database takes it."""
    return UNSTORABLE.search(text) is None


def storable(text: str, most: int | None = None) -> str:
    """The text with a space for each letter that no database takes, cut to `most` letters."""
    return UNSTORABLE.sub(" ", text)[:most]
