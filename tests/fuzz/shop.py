"""`python -m tests.fuzz.shop`: fill the database of a shop to fuzz; prints how to log in, as JSON."""

import json
from importlib import import_module

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model  # noqa: E402
from django.contrib.auth.models import Permission  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.utils import timezone  # noqa: E402

from recommendations.models import ProductPopularity  # noqa: E402
from tests.published import publish_made_artifact  # noqa: E402
from tests.retraining.made_shop import make_shop  # noqa: E402

PASSWORD = "green tea"


def main() -> None:
    call_command("migrate", run_syncdb=True, verbosity=0)
    make_shop()
    ProductPopularity.objects.count_again(timezone.now())
    publish_made_artifact()
    users = get_user_model().objects
    shopper = users.create_user("shopper", password=PASSWORD)
    system = users.create_user("system", password=PASSWORD)
    system.user_permissions.set(Permission.objects.filter(content_type__app_label="recommendations"))
    print(json.dumps({"FUZZ_SESSION": _session(shopper), "FUZZ_SYSTEM": f"{system.username}:{PASSWORD}"}))


def _session(user) -> str:
    """The key of a session in which the user is logged in."""
    store = import_module(settings.SESSION_ENGINE).SessionStore()
    store[SESSION_KEY] = str(user.pk)
    store[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    store[HASH_SESSION_KEY] = user.get_session_auth_hash()
    store.create()
    return store.session_key


if __name__ == "__main__":
    main()
