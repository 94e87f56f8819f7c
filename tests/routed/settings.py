"""A project with a router: the shop's products here, users and this app's tables there, and a replica that lags."""

from tests.settings import *  # noqa: F403

SQLITE = {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}
DATABASES = {"default": SQLITE, "shoppers": SQLITE | {"ATOMIC_REQUESTS": True}, "replica": SQLITE}
DATABASE_ROUTERS = ["tests.routed.router.Router"]
