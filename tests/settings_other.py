"""A very different project: own user model, UUID keys, ATOMIC_REQUESTS, another time zone, a hostile REST_FRAMEWORK."""

from tests.settings import *  # noqa: F403
from tests.settings import DATABASES, INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.other_shop"]
AUTH_USER_MODEL = "other_shop.Customer"
SHOP_KEYS = "uuid"
TIME_ZONE = "Pacific/Auckland"
LANGUAGE_CODE = "en-gb"
DATABASES = {"default": DATABASES["default"] | {"ATOMIC_REQUESTS": True}}
CSRF_USE_SESSIONS = True
# What a shop's own API may well prefer; none of it may reach ours.
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAdminUser"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.FormParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.StaticHTMLRenderer"],
    "DEFAULT_THROTTLE_CLASSES": ["rest_framework.throttling.AnonRateThrottle"],
    "DEFAULT_THROTTLE_RATES": {"anon": "1/day"},
    "DEFAULT_VERSIONING_CLASS": "rest_framework.versioning.AcceptHeaderVersioning",
    "DEFAULT_VERSION": "9",
    "ALLOWED_VERSIONS": ["9"],
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": "placement",
    "UNICODE_JSON": False,
    "COMPACT_JSON": False,
}
