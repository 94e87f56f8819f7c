"""What this app logs: each line has a stable event name and named fields, and nothing that tells who somebody is."""

import json
import logging
import re
import traceback
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.template import TemplateSyntaxError

from .exceptions import InvalidInteraction, NotConfigured, UnknownPlacement
from .ml.artifact import ArtifactError

logger = logging.getLogger("recommendations")
# Mistakes in the shop's code or settings: what they quote was written by a developer.
MISTAKES = (NotConfigured, UnknownPlacement, TemplateSyntaxError)
# What errors quote of data: text in quotes, addresses, and whatever is as long as a key.
QUOTED = re.compile(r"""'[^']*'|"[^"]*"|\S+@\S+|[\w.-]{24,}""")
MOST_LETTERS = 300


@dataclass(frozen=True)
class Line:
    """What an event is logged as; `text` names its fields."""

    level: int
    text: str


LINES = {
    "use_case_failed": Line(logging.ERROR, "%(use_case)s failed; the page goes on without it: %(cause)s"),
    "request_not_served": Line(logging.ERROR, "%(endpoint)s answered 503, nothing was accepted: %(cause)s"),
    "tables_missing": Line(
        logging.ERROR, "The app's tables are not there, a user is deleted without them: run migrate: %(cause)s"
    ),
    "figures_not_counted": Line(logging.ERROR, "Figures can't be counted, pages go on without: %(cause)s"),
    "cache_down": Line(logging.WARNING, "The cache does not answer, nothing is throttled: %(cause)s"),
    "order_lines_unknown": Line(
        logging.ERROR, "Products %(products)s are not in the catalog, their purchase is not recorded: run sync_catalog"
    ),
    "order_lines_left_out": Line(
        logging.ERROR, "%(count)s lines of an order name no product or no whole quantity, they are left out: %(cause)s"
    ),
    "products_left_out": Line(
        logging.ERROR, "%(count)s products can't be read, as %(primary_keys)s, they are not recommended: %(cause)s"
    ),
    "version_not_servable": Line(logging.ERROR, "Version %(version)s can't be served, %(instead)s: %(cause)s"),
    "version_published": Line(logging.INFO, "Version %(version)s is published"),
    "training_ended": Line(logging.INFO, "Version %(version)s is %(status)s"),
    "training_started_cold": Line(logging.INFO, "The training of version %(version)s started from nothing: %(why)s"),
    "training_failed": Line(logging.ERROR, "The training of version %(version)s failed in %(stage)s: %(cause)s"),
    "training_given_up": Line(logging.WARNING, "Version %(version)s is not trained here any more"),
    "training_answered": Line(logging.INFO, "The retraining that message %(message_id)s asks for was done already"),
    "training_busy": Line(logging.INFO, "Version %(version)s is being trained already"),
    "broker_unreachable": Line(logging.ERROR, "No retraining was queued, pages are served as before: %(cause)s"),
    "heartbeat_missed": Line(logging.WARNING, "No heartbeat of version %(version)s this time: %(cause)s"),
    "worker_died": Line(logging.ERROR, "The worker that trained version %(version)s died, in stage %(stage)s"),
    "artifacts_not_deleted": Line(
        logging.ERROR, "Old artifacts could not be deleted; what is published serves all the same: %(cause)s"
    ),
    "plots_left_out": Line(
        logging.INFO, 'No plots of how true reasons are: pip install "django-because[training]" brings matplotlib'
    ),
    "history_browsed": Line(logging.INFO, "Somebody of the staff looked at rows of the table %(table)s"),
    "history_looked_into": Line(logging.INFO, "Somebody of the staff looked into a list (placement %(placement)s)"),
    "purged": Line(logging.INFO, "Deleted what must not be kept any longer: %(counts)s"),
}


def log(event: str, error: BaseException | None = None, **fields: object) -> None:
    """Log one of LINES; an `error` becomes the field `cause`, its traceback follows without values.

    A damaged artifact and a wrong setting have no traceback: their line says all, and where it was read tells nothing.
    """
    line = LINES[event]
    if not logger.isEnabledFor(line.level):
        return
    if error is not None:
        fields["cause"] = cause(error)
    file, number, function, _ = logger.findCaller(stacklevel=2)
    extra = {"event": event, "fields": fields}
    text = f"{event}: {line.text}"
    named = (fields,) if fields else ()
    record = logger.makeRecord(logger.name, line.level, file, number, text, named, None, function, extra)
    if error is not None and line.level >= logging.ERROR and not isinstance(error, (ArtifactError, NotConfigured)):
        # Not exc_info: Django and others print the error's own words from it, and those quote data.
        record.exc_text = "".join(traceback.format_tb(error.__traceback__)).rstrip()
    logger.handle(record)


def cause(error: BaseException) -> str:
    """The kind of error and the first line of what it says, without the values that it quotes (DEBUG: with them)."""
    text = str(error)
    if isinstance(error, InvalidInteraction) and not settings.DEBUG:  # begins with the value
        text = f"{error.field}: {error.message.rpartition(': ')[2]}"
    said = (text.splitlines() or [""])[0]
    said = said.encode(errors="backslashreplace").decode()  # UTF-8 has no half of a surrogate pair
    if not settings.DEBUG and not isinstance(error, (*MISTAKES, ArtifactError)):
        said = QUOTED.sub("…", said)
    return f"{type(error).__name__}: {said[:MOST_LETTERS]}".removesuffix(": ")


class JSONFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, event, message, then the event's fields."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "event": getattr(record, "event", ""),
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info and not record.exc_text:
            record.exc_text = self.formatException(record.exc_info)
        if record.exc_text:
            line["traceback"] = record.exc_text
        return json.dumps(line, ensure_ascii=False, default=str)
