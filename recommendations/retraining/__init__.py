"""The worker's use case: read the log, train, judge, publish; one training at a time, decided by the database."""

from .lease import cancel, reap
from .processes import lead
from .requesting import request_retraining
from .running import retrain

__all__ = ["cancel", "lead", "reap", "request_retraining", "retrain"]
