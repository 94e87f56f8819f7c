"""One retraining from the shop's rows to the served version. Whatever breaks, the current version serves on."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any

from django.utils import timezone

from ..auditing.gate import check_reasons
from ..catalog import sync_catalog
from ..conf import get_config
from ..exceptions import LeaseLost, NotConfigured
from ..logs import log
from ..ml.splitting import NotEnoughData
from ..ml.training_settings import TrainingSettings, wrong_settings
from ..models import ProductPopularity, RecommenderVersion
from ..publishing import prune, publish, upload
from ..signals import version_failed, version_rejected
from .before import fits_before
from .checkpoints import Kept, forget_checkpoints
from .lease import Lease
from .reading import read_log

Status = RecommenderVersion.Status
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
    lease = Lease.take(started_by, message_id)
    try:
        with lease.beating():
            _train_and_publish(lease, settings or {}, _reporting(lease, report))
    except LeaseLost:
        log("training_given_up", version=lease.version.pk)
    except NotEnoughData as error:
        lease.end(Status.SKIPPED, str(error))
    except NotConfigured as error:  # says what to do: whoever called shows the row, nobody needs a traceback
        _fail(lease, str(error))
    except Exception as error:
        log("training_failed", error, version=lease.version.pk, stage=lease.stage)
        _fail(lease, f"{type(error).__name__}: {error}")
    except BaseException as error:  # stopped from outside: say so, then let it stop
        _fail(lease, f"The worker was stopped by {type(error).__name__}{f': {error}' if error.args else ''}")
        raise
    lease.version.refresh_from_db()
    if lease.version.status != Status.FAILED:
        forget_checkpoints()
    return lease.version


def _reporting(lease: Lease, report: Report | None) -> Report:
    def reporting(stage: str, fraction: float) -> None:
        lease.report(stage, fraction)
        if report is not None:
            report(stage, fraction)

    return reporting


def _train_and_publish(lease: Lease, settings: Mapping[str, Any], report: Report) -> None:
    train, chosen = _trainer({**get_config().TRAINING, **settings})
    report("reading the catalog", 0)
    sync_catalog()
    report("counting what is popular", 0.02)
    ProductPopularity.objects.count_again(timezone.now())
    kept = Kept.begin(lease.version)
    read = read_log(lambda share: report("reading interactions", 0.03 + 0.05 * share), kept.until)
    told = {"report": read.report.to_dict(), **kept.told()}
    lease.update(settings=asdict(chosen), data=told)
    with TemporaryDirectory(prefix="recommender-") as directory:
        began = monotonic()
        result = train(
            read.log,
            read.vocabulary,
            Path(directory),
            chosen,
            lambda stage, done: report(stage, 0.08 + 0.75 * done),
            read.index,
            kept.directory,
            fits_before(),
            read.codes,
            read.queries_before if read.searches else None,
        )
        if why_cold := result.start.get("cold"):
            log("training_started_cold", version=lease.version.pk, why=why_cold)
        details = {"steps": result.steps, "mix": result.mix, "seconds": result.timings, "parity": result.parity}
        details |= {"start": result.start, "current": result.current}
        lease.update(metrics=result.metrics, data={**result.data, **details, **told})
        if not result.accepted:
            _reject(lease, result.refusal)
            return
        report("checking reasons", 0.83)
        verdict = check_reasons(
            lease.version,
            Path(directory),
            monotonic() - began,
            lambda share: report("checking reasons", 0.83 + 0.15 * share),
        )
        lease.update(fidelity=verdict.fidelity)
        if verdict.refusal:
            _reject(lease, verdict.refusal)
            return
        report("publishing", 0.98)
        upload(lease.version, Path(directory))
        lease.update(progress=1, finished_at=timezone.now())
        publish(lease.version)
    _prune()


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


def _fail(lease: Lease, cause: str) -> None:
    where = f" (in stage {lease.stage!r})" if lease.stage else ""
    if lease.end(Status.FAILED, f"{cause}{where}"):
        lease.version.refresh_from_db()
        version_failed.send_robust(RecommenderVersion, version=lease.version)


def _prune() -> None:
    try:
        prune()
    except Exception as error:
        log("artifacts_not_deleted", error, artifact="")
