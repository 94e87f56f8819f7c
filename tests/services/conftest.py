import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from http.client import HTTPConnection
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
        arguments += ["--hostname", f"{secrets.token_hex(4)}@%h"]  # RabbitMQ refuses a second of one name
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


class Web:
    """gunicorn with two workers, on a port of its own."""

    def __init__(self, environment, log):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{free.getsockname()[1]}"
        arguments = [
            "--bind",
            self.address,
            "--workers",
            "2",
            "--threads",
            "2",
            "--timeout",
            "120",
            "--worker-tmp-dir",
            str(log.parent),
        ]
        self.log = log
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "django.core.wsgi:get_wsgi_application()", *arguments],
            cwd=ROOT,
            env=environment,
            stdout=log.open("ab"),
            stderr=subprocess.STDOUT,
        )

    def ask(self, path, sent=None, cookie=""):
        """(answer, cookie) of a page of this site that sends or asks."""
        headers = {"Content-Type": "application/json", "Sec-Fetch-Site": "same-origin", "Cookie": cookie}
        headers["User-Agent"] = "Mozilla/5.0 (X11; Linux) Firefox/140"
        # The master listens long before its workers, which import the app, can answer.
        connection = HTTPConnection(self.address, timeout=120)
        connection.request("POST" if sent else "GET", path, json.dumps(sent) if sent else None, headers)
        response = connection.getresponse()
        body = response.read().decode()
        connection.close()
        assert response.status in (200, 201), f"{response.status} {body[:500]}\n{self.log.read_text()[-3000:]}"
        return json.loads(body), (response.getheader("Set-Cookie") or "").partition(";")[0]

    def wait(self, seconds=30.0):
        """Until it answers."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log.read_text()[-3000:]
            try:
                socket.create_connection(self.address.split(":"), timeout=1).close()
                return
            except OSError:
                time.sleep(0.1)
        pytest.fail(self.log.read_text()[-3000:])

    def close(self):
        self.process.terminate()
        self.process.wait(20)


# What the tests of a broker run on: the one that is configured, and RabbitMQ where there is one.
BROKERS = [os.environ.get("CELERY_BROKER_URL", ""), *filter(None, [os.environ.get("RABBITMQ_URL", "")])]
on_each_broker = pytest.mark.parametrize(
    "broker", BROKERS, ids=[url.partition(":")[0] or "files" for url in BROKERS], indirect=True
)


@pytest.fixture
def broker(request):
    """The broker's URL; "" is a folder."""
    return getattr(request, "param", BROKERS[0])


@pytest.fixture
def environment(tmp_path, broker):
    """The environment of the shop's processes, with a database and a queue of their own."""
    name = f"services_{secrets.token_hex(4)}"
    values = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.services.settings",
        "SERVICES_FOLDER": str(tmp_path),
        "SERVICES_NAME": name,
        "SERVICES_TRAINING": json.dumps(QUICK),
        **({"CELERY_BROKER_URL": broker} if broker else {}),
    }
    url = os.environ.get("DATABASE_URL", "")
    if not url.startswith("postgres"):
        yield values
        return
    _on_server(url, f'CREATE DATABASE "{name}"')
    try:
        yield values
    finally:
        _on_server(url, f'DROP DATABASE "{name}" WITH (FORCE)')
        if broker.startswith("amqp"):
            _delete_queue(broker, name)


def _delete_queue(broker, name):
    from kombu import Connection

    with Connection(broker) as connection:
        connection.default_channel.queue_delete(name)


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
def figures(tmp_path):
    """The folder in which the processes of gunicorn count together."""
    folder = tmp_path / "figures"
    folder.mkdir()
    return folder


@pytest.fixture
def web(shop, environment, figures, tmp_path):
    """The shop behind gunicorn, once it has a past."""
    counting = {"METRICS": "True", "PROMETHEUS_MULTIPROC_DIR": str(figures)}
    running = Web(environment | counting, tmp_path / "web.log")
    try:
        running.wait()
        yield running
    finally:
        running.close()


@pytest.fixture
def wait_for(shop):
    """wait_for(true, worker): the versions once `true(versions)`; fails when the worker dies first."""

    def wait(true, worker, seconds=180.0):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            versions = shop.ask("versions")
            if true(versions):
                return versions
            assert worker.process.poll() is None, worker.log.read_text()[-3000:]
            time.sleep(0.02)
        pytest.fail(f"after {seconds} s: {shop.ask('versions')}\n{worker.log.read_text()[-3000:]}")

    return wait
