"""Child processes that never outlive the command that started them."""

import ctypes
import signal
import socket
import subprocess  # nosec B404
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, build_opener

from django.conf import settings

PATIENCE = 8.0  # seconds between asking a child to stop and stopping it
PR_SET_PDEATHSIG = 1
DIRECT = build_opener(ProxyHandler({}))  # 127.0.0.1 is this machine's own: no proxy of the user's is asked for it


class Child:
    """A process in a session of its own: Ctrl-C reaches the command alone, which then stops its children in order."""

    def __init__(self, name: str, arguments: Sequence[str], log: Path) -> None:
        self.name = name
        self.log = log
        with log.open("ab") as out:
            self.process = subprocess.Popen(  # noqa: S603 - our own command line # nosec B603
                arguments,
                stdout=out,
                stderr=out,
                cwd=settings.BASE_DIR,
                start_new_session=True,
                preexec_fn=_die_with_us,
            )

    def __enter__(self) -> "Child":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def is_alive(self) -> bool:
        return self.process.poll() is None

    def ask_to_stop(self) -> None:
        """Without waiting for it, so that several can end at once."""
        if self.is_alive():
            self.process.terminate()

    def stop(self) -> None:
        """Ask, wait, then insist; returns when it is gone."""
        if self.is_alive():
            self.ask_to_stop()
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def last_words(self, lines: int = 3) -> str:
        """The end of its log."""
        written = self.log.read_text(encoding="utf-8", errors="replace").splitlines() if self.log.exists() else []
        return "\n".join(written[-lines:])


def _die_with_us() -> None:
    # Linux tells a child when its parent was killed; elsewhere only an orderly end stops the children.
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


# A Celery worker of one process, which talks to no other worker.
ALONE = ("--pool", "solo", "--loglevel", "INFO", "--without-gossip", "--without-mingle", "--without-heartbeat")


def start_worker(log: Path) -> Child:
    """A real Celery worker. One process: it trains, and nothing else needs it meanwhile."""
    arguments = [sys.executable, "-m", "celery", "-A", "shopdemo", "worker"]
    return Child(
        "worker",
        [*arguments, *ALONE],
        log,
    )


def start_server(port: int, log: Path) -> Child:
    """The shop, by gunicorn: two processes, so that one slow page stops nobody."""
    arguments = [sys.executable, "-m", "gunicorn", "shopdemo.wsgi", "--bind", f"127.0.0.1:{port}"]
    # The matrix products of a list are small: threads would only wait for each other.
    arguments += ["--config", "python:shopdemo.gunicorn_config", "--env", "OPENBLAS_NUM_THREADS=1"]
    return Child("server", [*arguments, "--workers", "2", "--threads", "4", "--worker-tmp-dir", str(log.parent)], log)


def port_is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def wait_until_it_answers(url: str, server: Child, seconds: float = 60.0) -> bool:
    """Whether the page came before the server died or the time was up."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and server.is_alive():
        try:
            with DIRECT.open(url, timeout=10) as answer:
                return answer.status == 200
        except HTTPError:
            return False
        except (URLError, OSError):
            time.sleep(0.1)
    return False
