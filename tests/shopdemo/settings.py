"""The demo's own settings, with nothing kept: the tests of its pages run in a pytest of their own with these."""

import os
from tempfile import mkdtemp

os.environ.setdefault("VAR", mkdtemp(prefix="shopdemo-tests-"))

from shopdemo.settings import *  # noqa: F403
from shopdemo.settings import DATABASES, RECOMMENDATIONS

DEBUG = False
ALLOWED_HOSTS = ["*"]
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = False
DATABASES["default"]["TEST"] = {"NAME": None}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "recommendations": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True
RECOMMENDATIONS = {**RECOMMENDATIONS, "STRICT": True}
