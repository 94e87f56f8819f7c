"""How a benchmark tells what it found: to whoever waits, and as a file."""

import json
from pathlib import Path


def tell(found: dict, out: Path | None) -> None:
    """Print it as JSON, and write it to `out` if that is given; what is no number (NaN) is null."""
    numbers = json.loads(json.dumps(found), parse_constant=lambda name: None)
    text = json.dumps(numbers, indent=1, allow_nan=False)
    print(text)
    if out:
        out.write_text(text)
