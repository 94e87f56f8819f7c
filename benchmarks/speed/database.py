"""A database of its own for one benchmark: made beside the one that DATABASE_URL names, dropped at the end."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

SETTINGS = "benchmarks.speed.settings"


@contextmanager
def new_database() -> Iterator[str]:
    """Set up Django on a migrated, empty PostgreSQL database; its name."""
    if not os.environ.get("DATABASE_URL", "").startswith("postgres"):
        raise SystemExit("Set DATABASE_URL=postgres://...: these figures are of PostgreSQL.")
    os.environ["DJANGO_SETTINGS_MODULE"] = SETTINGS
    import django

    django.setup()
    from django.db import connection

    name = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        yield connection.settings_dict["NAME"]
    finally:
        connection.creation.destroy_test_db(name, verbosity=0)
