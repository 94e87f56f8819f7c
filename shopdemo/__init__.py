"""A small real shop that uses `recommendations` as any shop would."""

from .celery import app as celery_app

__all__ = ["celery_app"]
