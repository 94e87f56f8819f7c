"""What a database holds, read without Django: nothing of a shop's tables can hide."""

import sqlite3
from collections import defaultdict
from contextlib import closing
from typing import Any

SQLITE_SCHEMA = "SELECT tbl_name, type, name, sql FROM sqlite_master WHERE tbl_name NOT LIKE 'sqlite_%'"
POSTGRESQL_SCHEMA = """
SELECT table_name::text, 'column', column_name::text,
       concat_ws(' ', data_type, character_maximum_length, is_nullable, column_default, is_identity)
FROM information_schema.columns WHERE table_schema = 'public'
UNION ALL
SELECT tablename::text, 'index', indexname::text, indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL
SELECT conrelid::regclass::text, 'constraint', conname::text, pg_get_constraintdef(oid)
FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid <> 0
UNION ALL
SELECT sequencename::text, 'sequence', sequencename::text, data_type::text FROM pg_sequences
WHERE schemaname = 'public'
"""


class Tables:
    """The tables of one database, whose settings these are."""

    def __init__(self, database: dict[str, Any]) -> None:
        self.database = database

    def schema(self) -> dict[str, list[tuple]]:
        """Table -> its columns, indexes and constraints, in the database's own words."""
        found = defaultdict(list)
        for table, *fact in self._read(POSTGRESQL_SCHEMA if self._is_postgresql else SQLITE_SCHEMA):
            found[table].append(tuple(fact))
        return {table: sorted(facts, key=repr) for table, facts in found.items()}

    def rows(self) -> dict[str, list[tuple]]:
        """Table -> its rows."""
        sequences = {table for table, facts in self.schema().items() if facts[0][0] == "sequence"}
        tables = set(self.schema()) - sequences
        return {table: sorted(self._read(f'SELECT * FROM "{table}"'), key=repr) for table in tables}

    @property
    def _is_postgresql(self) -> bool:
        return "postgresql" in self.database["ENGINE"]

    def _read(self, query: str) -> list[tuple]:
        with closing(self._connect()) as connection:
            return connection.execute(query).fetchall()

    def _connect(self) -> Any:
        if not self._is_postgresql:
            return sqlite3.connect(self.database["NAME"])
        return connect_postgresql(self.database)


def connect_postgresql(database: dict[str, Any], **options: Any) -> Any:
    """An open connection to a database with these Django settings."""
    import psycopg

    names = {"HOST": "host", "PORT": "port", "USER": "user", "PASSWORD": "password", "NAME": "dbname"}
    given = {name: database[key] for key, name in names.items() if database.get(key)}
    return psycopg.connect(**given, **options)


def not_ours(tables: dict[str, Any]) -> dict[str, Any]:
    """Those of the shop and of Django."""
    return {name: found for name, found in tables.items() if not name.startswith("recommendations_")}
