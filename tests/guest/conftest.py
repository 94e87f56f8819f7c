"""A shop that was there before: on SQLite, or in scratch databases beside the one that DATABASE_URL names."""

import secrets
import shutil
from contextlib import closing

import environ
import pytest

from tests.guest.project import Project
from tests.guest.tables import Tables, connect_postgresql


class Databases:
    """Makes databases, empty or as copies."""

    def __init__(self, named, folder):
        self._named, self._folder, self._made = named, folder, []

    def make(self, like=None):
        """Django's settings of a new database."""
        name = f"recommendations_guest_{secrets.token_hex(4)}"
        if "postgresql" in self._named["ENGINE"]:
            template = f'TEMPLATE "{like["NAME"]}"' if like else ""
            self._execute(f'CREATE DATABASE "{name}" {template}')
            self._made.append(name)
            return self._named | {"NAME": name}
        made = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(self._folder / name)}
        if like:
            shutil.copy(like["NAME"], made["NAME"])
        return made

    def drop(self):
        for name in self._made:
            self._execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    def _execute(self, statement):
        with closing(connect_postgresql(self._named, autocommit=True)) as connection:
            connection.execute(statement)


@pytest.fixture(scope="session")
def databases(tmp_path_factory):
    named = environ.Env().db("DATABASE_URL", default="sqlite://:memory:")
    made = Databases(named, tmp_path_factory.mktemp("databases"))
    yield made
    made.drop()


@pytest.fixture(scope="session")
def database_before(databases):
    return databases.make()


@pytest.fixture(scope="session")
def before(database_before, tmp_path_factory):
    """The shop to which nobody comes."""
    return Project.start(tmp_path_factory.mktemp("before") / "project", database_before)


@pytest.fixture
def tables(databases, database_before, before):
    return Tables(databases.make(like=database_before))


@pytest.fixture
def project(before, tables, tmp_path):
    """A shop for one test."""
    return before.copied_to(tmp_path / "project", tables.database)
