"""The shop that is fuzzed: everything as in production but the throttles, behind which little would be reached."""

from pathlib import Path

from tests.settings import *  # noqa: F403
from tests.settings import STORAGES, env

FOLDER = Path(env("FUZZ_FOLDER"))
DATABASES = {"default": env.db("DATABASE_URL")}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
STORAGES = STORAGES | {
    "recommendations": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": FOLDER / "artifacts"},
    }
}
# An error behind a fallback is an error all the same: here it becomes a 500.
RECOMMENDATIONS = {"STRICT": True}
