"""The application behind gunicorn, and many visitors at once, from this process."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter, sleep
from urllib.parse import urlsplit, urlunsplit
from urllib.request import urlopen

PORT = 8765
CLIENTS = 4
# (path, cookie) of a request.
Ask = tuple[str, str]


@contextmanager
def gunicorn(database: str, workers: int = 1, **environment: str) -> Iterator[list[int]]:
    """Workers of one thread each, until the block ends; their process ids."""
    url = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{database}")
    command = [sys.executable, "-m", "gunicorn", "benchmarks.speed.wsgi", "--bind", f"127.0.0.1:{PORT}"]
    server = subprocess.Popen(
        [*command, "--workers", str(workers), "--log-level", "error"],
        env={**os.environ, "DATABASE_URL": urlunsplit(url), "OPENBLAS_NUM_THREADS": "1", **environment},
    )
    try:
        _wait()
        yield [int(pid) for pid in Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()]
    finally:
        server.terminate()
        server.wait()


def processor_seconds(pid: int) -> float:
    """What a process has taken of the processor so far: what else runs on the machine is not counted."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def private_mib(pid: int) -> float:
    """What a process shares with no other."""
    with open(f"/proc/{pid}/smaps_rollup") as file:
        return sum(int(line.split()[1]) for line in file if line.startswith("Private_")) / 1024


def most(asks: Sequence[Ask], seconds: float) -> tuple[float, int]:
    """(requests a second, requests) that are answered when each of CLIENTS asks as soon as it has an answer."""

    async def client(number: int, until: float) -> int:
        done = 0
        while perf_counter() < until:
            await _get(*asks[(done * CLIENTS + number) % len(asks)])
            done += 1
        return done

    async def all_of_them() -> tuple[float, int]:
        start = perf_counter()
        counts = await asyncio.gather(*(client(number, start + seconds) for number in range(CLIENTS)))
        return sum(counts) / (perf_counter() - start), sum(counts)

    return asyncio.run(all_of_them())


def paced(asks: Sequence[Ask], rate: float, seconds: float) -> list[float]:
    """Seconds until each answer, counted from when it was due: `rate` requests a second, whatever the server does."""

    async def one(number: int, start: float) -> float:
        due = start + number / rate
        await asyncio.sleep(max(due - perf_counter(), 0))
        await _get(*asks[number % len(asks)])
        return perf_counter() - due

    async def all_of_them() -> list[float]:
        start = perf_counter() + 0.1
        return await asyncio.gather(*(one(number, start) for number in range(int(rate * seconds))))

    return asyncio.run(all_of_them())


async def _get(path: str, cookie: str) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
    try:
        writer.write(f"GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\nCookie: {cookie}\r\n\r\n".encode())
        answer = await reader.read()
    finally:
        writer.close()
    assert b" 200 " in answer[:20], answer[:500]
    return answer


def _wait() -> None:
    for _ in range(300):
        try:
            urlopen(f"http://127.0.0.1:{PORT}/plain/").close()
            return
        except OSError:
            sleep(0.1)
    raise SystemExit("gunicorn did not answer within 30 s.")
