"""One retraining from the shop's rows to the served version. Whatever breaks, the current version serves on."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any

from django.utils import timezone

from ..auditing.gate import check_reasons
from ..catalog import sync_catalog
from ..conf import get_config
from ..exceptions import LeaseLost, NotConfigured
from ..logs import cause, log
from ..ml.splitting import NotEnoughData
from ..ml.training_settings import TrainingSettings, wrong_settings
from ..models import ProductPopularity, RecommenderVersion
from ..models.texts import storable
from ..publishing import prune, publish, upload
from ..signals import version_failed, version_rejected
from .before import fits_before
from .checkpoints import Kept, forget_checkpoints
from .lease import Lease
from .new_shop import as_counted, counted_beats_popular, is_new_shop, write_counted_version
from .reading import ShopLog, read_log

Status = RecommenderVersion.Status
# What is counted in a moment is checked as what was trained for so long.
SECONDS_OF_COUNTED = 60.0
Report = Callable[[str, float], None]


def retrain(
    started_by: str,
    settings: Mapping[str, Any] | None = None,
    report: Report | None = None,
    message_id: str = "",
) -> RecommenderVersion:
    """Train on the shop's interactions and publish the result if it is good enough; the row tells how it ended.

    `settings` override RECOMMENDATIONS["TRAINING"]; `report(stage, share done)` is called often; `message_id` is of
    the broker's message that asks for it, if one does. Raises RetrainingBusy when a training runs already; what goes
    wrong later is the row's status and error.
    """
    lease, is_mine = Lease.take(started_by, message_id), True
    try:
        with lease.beating():
            _train_and_publish(lease, settings or {}, _reporting(lease, report))
    except LeaseLost:
        log("training_given_up", version=lease.version.pk)
        is_mine = False
    except NotEnoughData as error:
        lease.end(Status.SKIPPED, str(error))
    except Exception as error:
        _fail(lease, error)
    except BaseException as error:  # stopped from outside: say so, then let it stop
        _fail(lease, error, "The worker was stopped by ")
        raise
    lease.version.refresh_from_db()
    if is_mine and lease.version.status != Status.FAILED:
        forget_checkpoints()  # else another training may keep its own there already
    _prune()
    return lease.version


def _reporting(lease: Lease, report: Report | None) -> Report:
    def reporting(stage: str, fraction: float) -> None:
        lease.report(stage, fraction)
        if report is not None:
            report(stage, fraction)

    return reporting


def _train_and_publish(lease: Lease, settings: Mapping[str, Any], report: Report) -> None:
    trainer = _trainer({**get_config().TRAINING, **settings})
    _, chosen = trainer
    report("reading the catalog", 0)
    sync_catalog()
    report("counting what is popular", 0.02)
    ProductPopularity.objects.count_again(timezone.now())
    kept, read = _read(lease.version, lambda share: report("reading interactions", 0.03 + 0.05 * share))
    told = {"report": read.report.to_dict(), **kept.told(read.log)}
    lease.update(settings=asdict(chosen), data=told)
    with TemporaryDirectory(prefix="recommender-") as name:
        directory = Path(name)
        made = _learned_or_counted(trainer, kept, read, directory, report)
        lease.update(metrics=made.metrics, data={**made.data, **told})
        if why_cold := made.data.get("start", {}).get("cold"):
            log("training_started_cold", version=lease.version.pk, why=why_cold)
        if made.refusal:
            _reject(lease, made.refusal)
            return
        _check_and_publish(lease, directory, made, report)


@dataclass(frozen=True)
class _Made:
    """What the version's row is told of the artifact in the directory, and why there is none, "" if there is one."""

    refusal: str
    metrics: dict[str, Any]
    data: dict[str, Any]
    seconds: float  # it took; the gate takes a share of it


def _learned_or_counted(
    trainer: tuple[Callable[..., Any], Any], kept: Kept, read: ShopLog, directory: Path, report: Report
) -> _Made:
    """What was learned; or counted, where that is not to be had and the shop has nothing that was learned yet."""
    _, settings = trainer
    try:
        learned = _trained(trainer, kept, read, directory, report)
    except NotEnoughData as too_few:
        counted = _counted(str(too_few), read, directory, settings, report) if is_new_shop() else None
        if counted is None:
            raise
        return counted
    if learned.refusal and is_new_shop() and counted_beats_popular(learned.metrics):
        return _counted(learned.refusal, read, directory, settings, report, learned) or learned
    return learned


def _trained(
    trainer: tuple[Callable[..., Any], Any], kept: Kept, read: ShopLog, directory: Path, report: Report
) -> _Made:
    (train, settings), began = trainer, monotonic()
    result = train(
        read.log,
        read.vocabulary,
        directory,
        settings,
        lambda stage, done: report(stage, 0.08 + 0.75 * done),
        read.index,
        kept.directory,
        fits_before(),
        read.words_before,
    )
    details = {"steps": result.steps, "mix": result.mix, "seconds": result.timings, "parity": result.parity}
    details |= {"start": result.start, "current": result.current}
    return _Made(result.refusal, result.metrics, {**result.data, **details}, monotonic() - began)


def _counted(
    why: str, read: ShopLog, directory: Path, settings: Any, report: Report, learned: _Made | None = None
) -> _Made | None:
    """A version that is counted, since nothing could be learned, or what was is not good enough; None without words."""
    counting = partial(report, "count")
    mix = write_counted_version(read, directory, settings, lambda share: counting(0.7 + 0.13 * share))
    if mix is None:
        return None
    told = {"counted": why, "mix": mix}
    if learned is None:
        return _Made("", {}, told, SECONDS_OF_COUNTED)
    judged = {"judged_shoppers": learned.data.get("judged_shoppers", {})}
    return _Made("", as_counted(learned.metrics), {**judged, **told}, learned.seconds)


def _check_and_publish(lease: Lease, directory: Path, made: _Made, report: Report) -> None:
    report("checking reasons", 0.83)
    checking = partial(report, "checking reasons")
    verdict = check_reasons(lease.version, directory, made.seconds, lambda share: checking(0.83 + 0.15 * share))
    lease.update(fidelity=verdict.fidelity)
    if verdict.refusal:
        _reject(lease, verdict.refusal)
        return
    if "counted" in made.data and not is_new_shop():  # staff may have published a learned version meanwhile
        raise NotEnoughData(made.data["counted"])
    report("publishing", 0.98)
    upload(lease.version, directory)
    lease.update(progress=1, finished_at=timezone.now())
    publish(lease.version)


def _read(version: RecommenderVersion, report: Callable[[float], None]) -> tuple[Kept, ShopLog]:
    """What is learned from, and where the fits are kept: the events of the training that failed before, or all."""
    kept = Kept.begin(version)
    read = read_log(report, kept.until)
    if not kept.is_of(read.log):  # nothing could go on from there, and the newest events would be missed
        del read
        kept = Kept.anew()
        read = read_log(report, kept.until)
    return kept, read


def _trainer(settings: dict[str, Any]) -> tuple[Callable[..., Any], Any]:
    """(pipeline.train, its settings). torch is imported here and nowhere earlier: web processes never get this far."""
    try:
        from ..ml.training.pipeline import train
    except ModuleNotFoundError as error:
        raise NotConfigured(
            f"This process can't train, {error.name} is not installed: "
            'pip install "django-because[training]" where the Celery worker runs.'
        ) from error
    if wrong := [f"TRAINING{what}" for what in wrong_settings(settings)]:
        raise NotConfigured(f"RECOMMENDATIONS['TRAINING'] or an override is wrong: {' '.join(wrong)} Correct it.")
    return train, TrainingSettings(**settings)


def _reject(lease: Lease, refusal: str) -> None:
    if lease.end(Status.REJECTED, refusal):
        lease.version.refresh_from_db()
        version_rejected.send_robust(RecommenderVersion, version=lease.version)


def _fail(lease: Lease, error: BaseException, told: str = "") -> None:
    """Say why in the log and in the row, which staff read: without the values that errors quote."""
    log("training_failed", error, version=lease.version.pk, stage=lease.stage or "its beginning")
    # One of ours says what to do, all of it, and quotes what a developer wrote.
    why = str(error) if isinstance(error, NotConfigured) else cause(error)
    where = f" (in stage {lease.stage!r})" if lease.stage else ""
    if lease.end(Status.FAILED, storable(f"{told}{why}{where}")):
        lease.version.refresh_from_db()
        version_failed.send_robust(RecommenderVersion, version=lease.version)


def _prune() -> None:
    try:
        prune()
    except Exception as error:
        log("artifacts_not_deleted", error, artifact="")
