"""Text files, packed with gzip or plain."""

import gzip
from pathlib import Path
from typing import TextIO


def open_text(file: Path) -> TextIO:
    """The file's text, unpacked if it is packed, whatever its name, and without a mark of its byte order."""
    with file.open("rb") as stream:
        is_packed = stream.read(2) == b"\x1f\x8b"
    return (gzip.open if is_packed else open)(file, "rt", encoding="utf-8-sig", newline="")
