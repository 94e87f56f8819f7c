import time
from collections.abc import Iterator

from ..judging import Outcome
from ..stand import Stand

TIMES = 12


def happen(stand: Stand) -> Iterator[Outcome]:
    """A version is published and rolled back, again and again, while pages are made."""
    from recommendations.models import RecommenderVersion
    from recommendations.publishing import publish

    first = RecommenderVersion.objects.get(pk=stand.current())
    second = stand.copy_of_current()
    with stand.fault(f"published and rolled back {TIMES} times") as outcome:
        for turn in range(TIMES):
            publish((second, first)[turn % 2])
            time.sleep(0.8)
            seen = stand.served()
            outcome.check(seen in (str(first.pk), str(second.pk)), f"{seen!r} was served")
        outcome.check(stand.current() == first.pk, "the last one published is not current")
        outcome.check(stand.served_soon(first.pk), "the last one published is not served")
    yield outcome
