import json
import os
import secrets
import signal
import subprocess
import sys
import time
from pathlib import Path

import environ
import pytest

from tests.retraining.made_shop import QUICK

ROOT = Path(__file__).parents[2]


class Refused(Exception):
    """The shop's process answered with one of our errors."""


class Shop:
    """A running web process of the shop."""

    def __init__(self, environment, log):
        self.log = log
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.services.shop"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log.open("ab"),
            text=True,
        )

    def ask(self, do, **arguments):
        """The answer to one order."""
        self.send(do, **arguments)
        return self.receive()

    def send(self, do, **arguments):
        self.process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
        self.process.stdin.flush()

    def receive(self):
        line = self.process.stdout.readline()
        assert line, self.log.read_text()[-3000:]
        answer = json.loads(line)
        if "error" in answer:
            raise Refused(f"{answer['error']}: {answer['text']}")
        return answer["answer"]

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()


class Worker:
    """A running Celery worker."""

    def __init__(self, environment, log):
        self.log = log
        arguments = ["-A", "tests.services.celery_app", "worker", "--pool", "solo", "--loglevel", "INFO"]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "celery", *arguments, "--without-gossip", "--without-mingle"],
            cwd=ROOT,
            env=environment,
            stdout=log.open("ab"),
            stderr=subprocess.STDOUT,
        )

    def kill(self):
        """As the kernel does when memory runs out: nothing is said, nothing is tidied."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


@pytest.fixture
def environment(tmp_path):
    """The environment of the shop's processes, with a database and a queue of their own."""
    name = f"services_{secrets.token_hex(4)}"
    values = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.services.settings",
        "SERVICES_FOLDER": str(tmp_path),
        "SERVICES_NAME": name,
        "SERVICES_TRAINING": json.dumps(QUICK),
    }
    url = os.environ.get("DATABASE_URL", "")
    if not url.startswith("postgres"):
        yield values
        return
    _on_server(url, f'CREATE DATABASE "{name}"')
    yield values
    _on_server(url, f'DROP DATABASE "{name}" WITH (FORCE)')


def _on_server(url, statement):
    import psycopg

    server = environ.Env.db_url_config(url)
    with psycopg.connect(
        host=server["HOST"] or None,
        port=server["PORT"] or None,
        user=server["USER"] or None,
        password=server["PASSWORD"] or None,
        dbname="postgres",
        autocommit=True,
    ) as connection:
        connection.execute(statement)


@pytest.fixture
def shop(environment, tmp_path):
    """A shop with a past and nothing published."""
    running = Shop(environment, tmp_path / "shop.log")
    running.ask("prepare")
    yield running
    running.close()


@pytest.fixture
def start_worker(environment, tmp_path):
    """start_worker() starts one more worker."""
    started = []

    def start():
        started.append(Worker(environment, tmp_path / f"worker{len(started)}.log"))
        return started[-1]

    yield start
    for worker in started:
        worker.close()


@pytest.fixture
def wait_for(shop):
    """wait_for(true, worker): the versions once `true(versions)`; fails when the worker dies first."""

    def wait(true, worker, seconds=60.0):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            versions = shop.ask("versions")
            if true(versions):
                return versions
            assert worker.process.poll() is None, worker.log.read_text()[-3000:]
            time.sleep(0.02)
        pytest.fail(f"after {seconds} s: {shop.ask('versions')}\n{worker.log.read_text()[-3000:]}")

    return wait
