"""The demo's own settings, with nothing kept: the tests of its pages run in a pytest of their own with these."""

import os
from tempfile import mkdtemp

os.environ.setdefault("VAR", mkdtemp(prefix="shopdemo-tests-"))

from shopdemo.settings import *  # noqa: F403
from shopdemo.settings import DATABASES, RECOMMENDATIONS, VAR

DEBUG = False
ALLOWED_HOSTS = ["*"]
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = False
# A file, not memory: the browser tests read and write from several threads at once. On PostgreSQL a database beside
# that of the pytest which started this one.
IS_SQLITE = DATABASES["default"]["ENGINE"].endswith("sqlite3")
DATABASES["default"]["TEST"] = {"NAME": VAR / "test.sqlite3" if IS_SQLITE else "test_shopdemo"}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "recommendations": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": VAR / "recommenders"},
    },
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True
RECOMMENDATIONS = {**RECOMMENDATIONS, "STRICT": True}
