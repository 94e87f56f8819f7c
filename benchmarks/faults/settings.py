"""The demo shop as in production, with a small quick training; the environment names its servers."""

from shopdemo.settings import *  # noqa: F403
from shopdemo.settings import DATABASES, RECOMMENDATIONS, STORAGES, VAR, env

POOL = env.int("FAULTS_POOL", default=8)
DATABASES["default"]["OPTIONS"] = {
    # A page waits so long for a connection, and no longer: see docs/deploying.md.
    "pool": {"min_size": 1, "max_size": POOL, "timeout": 0.25} if POOL else None,
    "connect_timeout": 2,
    "options": f"-c statement_timeout={env.int('FAULTS_STATEMENT_TIMEOUT', default=250)}",
}
if not POOL:
    del DATABASES["default"]["OPTIONS"]["pool"]
REST_FRAMEWORK = {"NUM_PROXIES": 1}  # the load tells of as many addresses as shoppers have
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": env.int("FAULTS_VISIBILITY", default=3600),
    # Lost messages are looked for every second, not every hundred: a training here is shorter.
    "unacked_restore_interval": 1,
    "unacked_restore_throttle": 1,
}
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
RECOMMENDATIONS = RECOMMENDATIONS | {
    "LEASE_SECONDS": 8,
    "TRAINING": {
        "steps": env.int("FAULTS_STEPS", default=30),
        "shoppers_needed": 10,
        "standard_errors": -1000.0,  # a small shop of chance: whether it is good is not asked here
        "width": 16,
    },
}
STORAGES["recommendations"]["OPTIONS"]["location"] = env("FAULTS_ARTIFACTS", default=str(VAR / "recommenders"))
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "recommendations.logs.JSONFormatter"}},
    "handlers": {"out": {"class": "logging.FileHandler", "filename": VAR / "log.jsonl", "formatter": "json"}},
    "loggers": {"recommendations": {"handlers": ["out"], "level": "INFO", "propagate": False}},
}
