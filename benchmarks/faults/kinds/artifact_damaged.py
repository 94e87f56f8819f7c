import json
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from ..judging import Outcome
from ..stand import Stand


def happen(stand: Stand) -> Iterator[Outcome]:
    """A new version's artifact is damaged before it is published, and behind the shop's back once it is current."""
    for name, damage in DAMAGES.items():
        with stand.fault(f"artifact {name}", ("version_not_servable",)) as outcome:
            _damage(stand, damage, outcome)
        yield outcome


def _damage(stand: Stand, damage: Callable[[Path], None], outcome: Outcome) -> None:
    from recommendations.ml.artifact import ArtifactError
    from recommendations.models import RecommenderVersion
    from recommendations.publishing import publish

    good = RecommenderVersion.objects.get(pk=stand.current())
    bad = stand.copy_of_current()
    damage(stand.artifact(bad))
    try:
        publish(bad)
        outcome.check(False, "it was published")
    except ArtifactError as told:
        outcome.check(str(told) != "", "nobody is told why")
    outcome.check(stand.current() == good.pk, "another version is current")
    stand.force_current(bad.pk)  # as if it was damaged after it was published
    time.sleep(4)
    outcome.check(stand.served() == str(good.pk), f"processes that had version {good.pk} serve {stand.served()!r}")
    stand.force_current(good.pk)
    outcome.check(stand.served_soon(good.pk), "the good version did not come back")


def _truncated(folder: Path) -> None:
    path = folder / "item_matrix.npy"
    path.write_bytes(path.read_bytes()[:-100])


def _flipped(folder: Path) -> None:
    path = folder / "encoder.onnx"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _newer(folder: Path) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format_version": 99}))


DAMAGES = {
    "truncated": _truncated,
    "with a flipped bit": _flipped,
    "of a newer format": _newer,
    "missing": shutil.rmtree,
}
