"""How many examples Hypothesis tries: all of them once, a sixth where the suite runs again on something else."""

import os

ARE_FEW = os.environ.get("FEWER_EXAMPLES", "") not in ("", "0")


def examples(count: int) -> int:
    """`count`, or a sixth of it with FEWER_EXAMPLES=1."""
    return max(count // 6, 4) if ARE_FEW else count
