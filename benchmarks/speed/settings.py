"""The tests' shop on PostgreSQL as a shop runs it: pooled connections, errors replaced by fallbacks."""

import os

from recommendations.conf import FOR_EVER
from tests.settings import *  # noqa: F403
from tests.settings import DATABASES, INSTALLED_APPS, MIDDLEWARE, STORAGES

ROOT_URLCONF = "benchmarks.speed.urls"
WSGI_APPLICATION = "benchmarks.speed.wsgi.application"
# The made interactions are of 2023 and 2024.
RECOMMENDATIONS = {"STRICT": False, "RETENTION_DAYS": FOR_EVER}
if DATABASES["default"]["ENGINE"].endswith("postgresql"):
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    DATABASES["default"]["OPTIONS"] = {"pool": {"min_size": 1, "max_size": 4, "timeout": 5}}
if folder := os.environ.get("BENCHMARK_ARTIFACTS"):
    STORAGES["recommendations"]["OPTIONS"] = {"location": folder}
# What a web worker weighs without the app is measured too.
if os.environ.get("BENCHMARK_WITHOUT_APP"):
    INSTALLED_APPS = [name for name in INSTALLED_APPS if name != "recommendations"]
    MIDDLEWARE = [name for name in MIDDLEWARE if not name.startswith("recommendations")]
