"""A database of one's own beside the one that DATABASE_URL names."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

DEFAULT = "postgres://root@127.0.0.1:5432/postgres"


@contextmanager
def own_database(url: str = "") -> Iterator[str]:
    """The URL of an empty PostgreSQL database, dropped at the end."""
    import psycopg

    url = url or os.environ.get("DATABASE_URL", "") or DEFAULT
    if not url.startswith("postgres"):
        raise SystemExit(f"DATABASE_URL is {url}: PostgreSQL is needed, for example {DEFAULT}")
    name = f"made_{secrets.token_hex(4)}"
    server = urlsplit(url)._replace(scheme="postgresql", path="/postgres").geturl()

    def say(statement: str) -> None:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(statement)

    say(f'CREATE DATABASE "{name}"')
    try:
        yield urlsplit(url)._replace(path=f"/{name}").geturl()
    finally:
        say(f'DROP DATABASE "{name}" WITH (FORCE)')
