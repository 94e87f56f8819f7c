import getpass
import json
import os
from argparse import ArgumentTypeError
from collections.abc import Iterator, Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from recommendations.controls import purge
from recommendations.management import command
from recommendations.models import RecommenderVersion
from recommendations.models.recommender_version import best_baseline
from recommendations.retraining import lead, request_retraining, retrain

LEADING = "ndcg@10"
ADVICE = " With little history this is normal: import more, or try again later (docs/retraining.md)."
# To whom the gate rejected: only a version that is better reaches it.
FAULT = " More history does not mend this: it is a fault, please report it with these figures (docs/retraining.md)."


class Command(command.Command):
    help = (
        "Delete what must not be kept any longer, retrain the recommender from the shop's interactions, and publish it "
        "if it is good enough. Without a Celery worker, run this daily: it is all that is needed. "
        "torchrun --standalone --nproc_per_node 2 manage.py retrain_recommender fits on two processes."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--queue", action="store_true", help="leave the work to a Celery worker and return at once")
        parser.add_argument(
            "--settings-json",
            type=_object,
            default={},
            metavar="JSON",
            help='overrides of RECOMMENDATIONS["TRAINING"], for example \'{"steps": 100}\'; not with --queue',
        )

    def handle(self, *args: Any, **options: Any) -> None:
        lead(lambda: self._retrain(options))

    def _retrain(self, options: dict[str, Any]) -> None:
        started_by = f"command ({_user()})"
        if options["queue"] and (given := options["settings_json"]):
            raise CommandError(
                f"--settings-json {json.dumps(given)}: expected no --queue beside it, a Celery worker trains with the "
                'RECOMMENDATIONS["TRAINING"] of its own settings.'
            )
        if options["queue"]:
            request_retraining(started_by)
            self.stdout.write("Queued. The admin's list of recommender versions shows how far it is.")
            return
        self._purge()
        self._tell(retrain(started_by, options["settings_json"], _Lines(self).report))

    # First, so that what is too old goes even where no training gets through.
    def _purge(self) -> None:
        self.stdout.write("Deleting what must not be kept any longer ...")
        purge()

    def _tell(self, version: RecommenderVersion) -> None:
        if version.status in (RecommenderVersion.Status.PUBLISHED, RecommenderVersion.Status.RETIRED):
            self.stdout.write(self.style.SUCCESS(f"Version {version.pk} is published."))
            if version.is_counted:
                why = version.data["counted"].rstrip(".")  # a refusal is a sentence, what lacks is none
                self.stdout.write(f"It is counted, not learned yet (docs/retraining.md): {why}.")
            for line in _leads(version.metrics):
                self.stdout.write(line)
            return
        current = RecommenderVersion.objects.current()
        serves = f"version {current.pk} serves on" if current else "popular products are shown"
        why = FAULT if "gate" in version.fidelity else ADVICE
        advice = why if version.status == RecommenderVersion.Status.REJECTED else ""
        raise CommandError(f"Version {version.pk} is {version.status}, {serves}. {version.error}{advice}")


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no name for this user id, as in many containers
        return str(os.getuid())


def _leads(metrics: Mapping[str, Mapping[str, Mapping[str, float]]]) -> Iterator[str]:
    """How it did beside the best simple method, for each question it was judged by."""
    for protocol, methods in metrics.items():
        best = best_baseline(methods, LEADING)
        if "recommender" in methods and best is not None:
            mine, (name, value) = methods["recommender"][LEADING], best
            yield f"{LEADING.upper()}, {_words(protocol)}: {mine:.3f} beside {value:.3f} of {_words(name)}."


def _words(name: str) -> str:
    return name.replace("_", " ")


class _Lines:
    """One line a stage; on a terminal it counts up in place."""

    def __init__(self, command: BaseCommand) -> None:
        self._out = command.stdout
        self._live = command.stdout.isatty()
        self._stage = ""
        self._percent = -1

    def report(self, stage: str, fraction: float) -> None:
        percent = int(100 * fraction)
        if self._live and (stage, percent) != (self._stage, self._percent):
            begin = "\r" if stage == self._stage else "\n" if self._stage else ""
            self._out.write(f"{begin}{stage.capitalize()} ... {percent} %", ending="")
            self._out.flush()
        elif stage != self._stage:
            self._out.write(f"{stage.capitalize()} ...")
        self._stage, self._percent = stage, percent


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise ArgumentTypeError(f"{text!r}: expected a JSON object")
    return value
