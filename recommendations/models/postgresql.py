"""Many rows at once, in and out, as PostgreSQL does it fastest."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np
from django.db.backends.base.base import BaseDatabaseWrapper

NULL = r"\N"
BESIDE = "recommendations_copied"
# What separates columns and rows in COPY's text, or escapes.
ESCAPED = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})
AT_ONCE = 5_000  # rows of one write


def can_copy(connection: BaseDatabaseWrapper) -> bool:
    """Whether this is PostgreSQL, and the driver one that knows COPY in this form."""
    if connection.vendor != "postgresql":
        return False
    from django.db.backends.postgresql.psycopg_any import is_psycopg3

    return bool(is_psycopg3)


def may_make_temporary_tables(cursor: Any) -> bool:
    """Whether this role may, here; by default every role may."""
    cursor.execute("SELECT has_database_privilege(current_database(), 'TEMP')")
    return bool(cursor.fetchone()[0])


def one_at_a_time(connection: BaseDatabaseWrapper, table: str) -> None:
    """Whoever else writes to the table waits until the caller's transaction ends; SQLite lets nobody write anyway."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {connection.ops.quote_name(table)} IN SHARE ROW EXCLUSIVE MODE")


def copied_text(value: str) -> str:
    """Text as COPY reads it."""
    return value.translate(ESCAPED) if value else ""


def insert_copied(cursor: Any, table: str, names: Sequence[str], lines: Iterable[str], insert: str) -> int:
    """Copy `lines` (COPY's text, without line ends) beside the table, into BESIDE, and `insert` from there; how many
    are new.

    Call it in a transaction.
    """
    columns = ", ".join(names)
    alike = f"CREATE TEMPORARY TABLE {BESIDE} AS SELECT {columns} FROM {table} LIMIT 0"  # noqa: S608 # nosec B608
    cursor.execute(alike)
    lines = iter(lines)
    with cursor.copy(f"COPY {BESIDE} ({columns}) FROM STDIN") as copy:
        while block := list(islice(lines, AT_ONCE)):
            copy.write("\n".join(block) + "\n")
    cursor.execute(insert)
    new = int(cursor.rowcount)
    cursor.execute(f"DROP TABLE {BESIDE}")
    return new


def packed_numbers(cursor: Any, select: str, parameters: Sequence[Any], columns: int) -> Iterator[np.ndarray]:
    """int64 (N, columns), block by block, of a SELECT of that many numbers, none of them null, and of a block's number.

    Each block comes as one string of bytes: as rows, most of the time goes into making Python's numbers.
    """
    names = [f"c{k}" for k in range(columns)]
    bytes_of = " || ".join(f"int8send({name}::bigint)" for name in names)
    rows = f"({select}) AS rows ({', '.join(names)}, block)"
    packing = f"SELECT string_agg({bytes_of}, ''::bytea) FROM {rows} GROUP BY block"  # noqa: S608 # nosec B608
    cursor.execute(packing, parameters)
    for (packed,) in cursor:
        yield np.frombuffer(packed, ">i8").reshape(-1, columns).astype(np.int64)
