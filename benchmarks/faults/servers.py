"""Servers of one's own: started on free ports in a temporary folder, killed as a machine kills, started again."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from shopdemo.running.processes import ALONE

ROOT = Path(__file__).parents[2]
PATIENCE = 30.0
# As docs/deploying.md has it: the process that talks to the broker is not the one that trains.
PREFORK = ("--concurrency", "1", "--loglevel", "INFO")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(true: Callable[[], bool], seconds: float = PATIENCE, what: str = "it") -> None:
    """Raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} took longer than {seconds:.0f} s")
        time.sleep(0.05)


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


class Server:
    """One process and its children, in a session of its own."""

    user: str | None = None
    working_folder = ROOT

    def __init__(self, name: str, arguments: Sequence[str], folder: Path, environment: Mapping[str, str]) -> None:
        self.name, self.arguments, self.environment = name, list(arguments), dict(environment)
        self.log = folder / f"{name}.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                self.arguments,
                cwd=self.working_folder,
                env={**os.environ, **self.environment},
                stdout=out,
                stderr=out,
                start_new_session=True,
                user=self.user,
                group=self.user,
            )

    def is_alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def signal(self, number: int, group: bool = True) -> None:
        if self.process is not None and self.is_alive():
            (os.killpg if group else os.kill)(self.process.pid, number)

    def kill(self) -> None:
        """As the kernel does when memory runs out: nothing is said, nothing is tidied."""
        self.signal(signal.SIGKILL)
        self.wait()

    def stop(self) -> None:
        self.signal(signal.SIGTERM, group=False)
        try:
            self.wait(10)
        except subprocess.TimeoutExpired:
            self.kill()

    def wait(self, seconds: float | None = None) -> None:
        if self.process is not None:
            self.process.wait(seconds)


class PostgreSQL(Server):
    """A cluster of its own; as root it runs as the user postgres, since the server refuses to run as root."""

    working_folder = Path("/")  # PostgreSQL wants to come back to where it began, whoever it runs as

    def __init__(self, folder: Path) -> None:
        self.user = "postgres" if os.getuid() == 0 else None
        self.port, self.data = free_port(), folder / "postgresql"
        self.data.mkdir()
        if self.user:
            folder.chmod(0o755)
            shutil.chown(self.data, self.user, self.user)
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
        binaries = found[-1] if found else Path(str(shutil.which("initdb"))).parent
        made = subprocess.run(
            [binaries / "initdb", "-D", self.data, "-U", "shop", "-A", "trust", "-E", "UTF8", "--no-locale"],
            capture_output=True,
            text=True,
            user=self.user,
            group=self.user,
            cwd=self.working_folder,
        )
        if made.returncode:
            who = f"the user {self.user} must be able to reach it; TMPDIR chooses another folder: "
            raise SystemExit(f"initdb made no cluster in {self.data}: {who if self.user else ''}{made.stderr.strip()}")
        options = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": str(self.data),
            "max_connections": "40",
        }
        arguments = [str(binaries / "postgres"), "-D", str(self.data)]
        for name, value in options.items():
            arguments += ["-c", f"{name}={value}"]
        super().__init__("postgresql", arguments, folder, {})

    @property
    def url(self) -> str:
        return f"postgres://shop@127.0.0.1:{self.port}/postgres"

    def say(self, statement: str) -> list[tuple]:
        """What a superuser's statement answers."""
        import psycopg

        with psycopg.connect(self.url.replace("postgres://", "postgresql://"), autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def start(self) -> None:
        super().start()
        wait_until(self.answers, what="PostgreSQL")

    def answers(self) -> bool:
        import psycopg

        try:
            return self.say("SELECT 1") == [(1,)]
        except psycopg.Error:
            return False

    @contextmanager
    def locking(self, table: str) -> Iterator[None]:
        """Nobody else reads or writes the table meanwhile."""
        import psycopg

        with psycopg.connect(self.url.replace("postgres://", "postgresql://")) as connection:
            connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
            yield
            connection.rollback()

    def be_read_only(self, is_read_only: bool) -> None:
        """For every new transaction, whoever's connection it is."""
        self.say(f"ALTER SYSTEM SET default_transaction_read_only = {'on' if is_read_only else 'off'}")
        self.say("SELECT pg_reload_conf()")

    def crash(self) -> None:
        """Every process of the server is gone at once; the next start recovers from its log."""
        self.kill()


class Redis(Server):
    """Keeps nothing on disk."""

    def __init__(self, name: str, folder: Path) -> None:
        self.port = free_port()
        arguments = [
            "redis-server",
            "--port",
            str(self.port),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
        ]
        super().__init__(name, [*arguments, "--dir", str(folder)], folder, {})

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        super().start()
        wait_until(lambda: listens(self.port), what=self.name)


class Web(Server):
    """The demo shop behind gunicorn, several workers."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.port = free_port()
        arguments = [sys.executable, "-m", "gunicorn", "benchmarks.faults.web", "--bind", f"127.0.0.1:{self.port}"]
        # What can be loaded before the fork is, and the recommender before the first request: a worker that takes the
        # place of a dead one serves at once.
        arguments += [
            "--config",
            "python:shopdemo.gunicorn_config",
            "--preload",
            "--workers",
            "2",
            "--threads",
            "4",
            "--worker-tmp-dir",
            str(folder),
        ]
        arguments += ["--no-control-socket"]
        super().__init__("web", arguments, folder, environment)

    def start(self) -> None:
        super().start()
        wait_until(lambda: listens(self.port), what="gunicorn")

    def workers(self) -> list[int]:
        """Process ids of the workers."""
        assert self.process is not None
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in path.read_text().split()]


class Worker(Server):
    """A real Celery worker; `stop_at` names the stage in which it kills itself, as the kernel would."""

    def __init__(
        self,
        name: str,
        folder: Path,
        environment: Mapping[str, str],
        stop_at: str = "",
        pool: Sequence[str] = ALONE,
    ) -> None:
        # Pages first, as docs/deploying.md has it: both run on this machine.
        arguments = ["nice", "-n", "5", sys.executable, "-m", "celery", "-A", "benchmarks.faults.worker", "worker"]
        super().__init__(name, [*arguments, *pool], folder, {**environment, "FAULTS_STOP_AT": stop_at})
