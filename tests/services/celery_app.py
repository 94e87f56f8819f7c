"""The worker's Celery app: `celery -A tests.services.celery_app worker`."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.services.settings")

app = Celery("services")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
