"""A shop and its worker as two processes: on files, or on what DATABASE_URL and CELERY_BROKER_URL name."""

import json
from pathlib import Path

from tests.settings import *  # noqa: F403
from tests.settings import STORAGES, env

FOLDER = Path(env("SERVICES_FOLDER"))
NAME = env("SERVICES_NAME")

DATABASES = {"default": env.db("DATABASE_URL", default=f"sqlite:///{FOLDER / 'shop.sqlite3'}")}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
else:
    DATABASES["default"] |= {"NAME": NAME, "CONN_MAX_AGE": 0, "CONN_HEALTH_CHECKS": True}
    DATABASES["default"]["OPTIONS"] = {"pool": {"min_size": 1, "max_size": 4, "timeout": 5}}

STORAGES = STORAGES | {
    "recommendations": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": FOLDER / "artifacts"},
    }
}

CELERY_BROKER_URL = env("CELERY_BROKER_URL", default="filesystem://")
if CELERY_BROKER_URL.startswith("filesystem:"):
    for folder in ("messages", "control"):
        (FOLDER / folder).mkdir(exist_ok=True)
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(FOLDER / "messages"),
        "data_folder_out": str(FOLDER / "messages"),
        "control_folder": str(FOLDER / "control"),
        "polling_interval": 0.05,
    }
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_DEFAULT_QUEUE = NAME
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_IGNORE_RESULT = True

REST_FRAMEWORK = {"NUM_PROXIES": 0}
RECOMMENDATIONS = {
    "STRICT": True,
    "LEASE_SECONDS": 12,
    "METRICS": env.bool("METRICS", default=False),
    "RETENTION_DAYS": 10_000,  # the made shop's past has its own dates
    "TRAINING": json.loads(env("SERVICES_TRAINING")),
}
