"""How a benchmark tells what it found: to whoever waits, and as a file."""

import json
from pathlib import Path


def tell(found: dict, out: Path | None) -> None:
    """Print it as JSON, and write it to `out` if that is given."""
    text = json.dumps(found, indent=1)
    print(text)
    if out:
        out.write_text(text)
