import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import StringIO

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from rich.console import Console

from recommendations.exceptions import RetrainingBusy
from recommendations.models import RecommenderVersion
from shopdemo.management.commands import run_demo
from shopdemo.running import processes, training
from shopdemo.running.processes import Child, port_is_free, wait_until_it_answers
from shopdemo.running.table import metrics_tables
from shopdemo.running.training import TrainingFailed, ask_for_training, watch_training

Status = RecommenderVersion.Status


class Worker:
    """A worker that lives for as many looks as it is told."""

    log = "worker.log"

    def __init__(self, looks: int = 1_000) -> None:
        self.looks = looks

    def is_alive(self) -> bool:
        self.looks -= 1
        return self.looks >= 0

    def last_words(self, lines: int = 3) -> str:
        return "Killed"


@pytest.fixture
def at_each_look(monkeypatch):
    """Call what the list holds, one a poll, instead of waiting."""

    def plan(*steps):
        remaining = list(steps)
        monkeypatch.setattr(training.time, "sleep", lambda _: remaining.pop(0)() if remaining else None)

    return plan


def sleeping_child(tmp_path, code: str) -> Child:
    return Child("test", [sys.executable, "-c", code], tmp_path / "log")


def test_child_stops_when_asked(tmp_path):
    with sleeping_child(tmp_path, "import time; time.sleep(60)") as child:
        assert child.is_alive()
    assert not child.is_alive()


def test_child_that_does_not_listen_is_killed(tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "PATIENCE", 0.2)
    deaf = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
    )
    child = sleeping_child(tmp_path, deaf)
    while "deaf" not in child.last_words():
        assert child.is_alive()
    child.stop()
    assert child.process.returncode == -9


def test_child_last_words_are_the_end_of_its_log(tmp_path):
    child = sleeping_child(tmp_path, "print('one'); print('two'); print('three')")
    child.process.wait()
    assert child.last_words(2) == "two\nthree"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent was killed")
def test_child_dies_with_a_parent_that_was_killed(tmp_path):
    code = (
        "import os, signal, sys, django; from pathlib import Path; django.setup();"
        "from shopdemo.running.processes import Child;"
        "child = Child('test', [sys.executable, '-c', 'import time; time.sleep(60)'], Path(sys.argv[1]));"
        "print(child.process.pid, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    parent = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "log")], capture_output=True, text=True, check=False
    )
    pid = int(parent.stdout)
    # Whoever adopts it may leave a zombie: gone means that it runs no more.
    while True:
        try:
            with open(f"/proc/{pid}/stat") as stat:
                if stat.read().split(")")[1].split()[0] == "Z":
                    return
        except FileNotFoundError:
            return


def test_port_in_use_is_seen():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert not port_is_free(port)
    assert port_is_free(port)


def test_run_demo_port_in_use_is_one_clear_line(db):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(CommandError, match=rf"^Port {port} is in use. Choose another: make demo PORT={port + 1}$"):
            call_command("run_demo", port=port)


def test_server_that_died_does_not_answer(tmp_path):
    child = sleeping_child(tmp_path, "")
    child.process.wait()
    assert not wait_until_it_answers("http://127.0.0.1:1/", child)


class Page(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        """Nothing."""


def test_server_is_asked_without_the_users_proxy(monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    with HTTPServer(("127.0.0.1", 0), Page) as shop:
        threading.Thread(target=shop.handle_request, daemon=True).start()
        assert wait_until_it_answers(f"http://127.0.0.1:{shop.server_port}/", Worker(), seconds=5)


def test_training_watched_to_its_publication(db, at_each_look):
    seen = []
    rows = RecommenderVersion.objects
    at_each_look(
        lambda: rows.create(stage="fitting", progress=0.5),
        lambda: rows.update(stage="judging", progress=1.0),
        lambda: rows.update(status=Status.PUBLISHED),
    )
    version = watch_training(Worker(), 0, lambda *told: seen.append(told))
    assert version.status == Status.PUBLISHED
    assert seen == [("Fitting", 0.5), ("Judging", 1.0), ("Judging", 1.0)]


def test_training_refused_says_why(db, at_each_look):
    at_each_look(lambda: RecommenderVersion.objects.create(status=Status.REJECTED, error="popularity is better"))
    with pytest.raises(TrainingFailed, match="is rejected: popularity is better"):
        watch_training(Worker(), 0, lambda *told: None)


def test_training_worker_died_says_so(db, at_each_look):
    at_each_look(lambda: RecommenderVersion.objects.create(stage="fitting"))
    with pytest.raises(TrainingFailed, match=r"The worker stopped while training: Killed \(its log: worker.log\)"):
        watch_training(Worker(looks=2), 0, lambda *told: None)


def test_training_never_begun_says_so(db, at_each_look, monkeypatch):
    monkeypatch.setattr(training, "PICKED_UP_WITHIN", -1.0)
    with pytest.raises(TrainingFailed, match="did not begin"):
        watch_training(Worker(), 0, lambda *told: None)


def test_training_that_was_interrupted_is_waited_for_until_its_lease_is_over(db, at_each_look, monkeypatch):
    asked, busy = [], [True, True, False]

    def request(started_by):
        asked.append(started_by)
        if busy.pop(0):
            raise RetrainingBusy(7)

    monkeypatch.setattr(training, "request_retraining", request)
    at_each_look()
    ask_for_training("make demo")
    assert asked == ["make demo"] * 3


def test_training_that_lives_on_is_not_waited_for_longer(db, monkeypatch):
    now = [0.0]

    def request(started_by):
        raise RetrainingBusy(7)

    monkeypatch.setattr(training, "request_retraining", request)
    monkeypatch.setattr(training.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(training.time, "sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))
    with pytest.raises(RetrainingBusy, match="Version 7"):
        ask_for_training("make demo")
    assert 60 < now[0] < 70


def test_training_of_an_older_version_is_not_ours(db, at_each_look):
    old = RecommenderVersion.objects.create(status=Status.FAILED, error="old")
    at_each_look(lambda: RecommenderVersion.objects.create(status=Status.PUBLISHED))
    assert watch_training(Worker(), old.pk, lambda *told: None).pk > old.pk


def test_metrics_are_printed_beside_the_baselines():
    metrics = {
        "next_weeks": {"network": {"hr": 0.31, "ndcg": 0.22}, "popularity": {"hr": 0.2, "ndcg": 0.1}},
        "note": "x",
    }
    out = StringIO()
    for table in metrics_tables(metrics):
        Console(file=out, width=80).print(table)
    shown = out.getvalue()
    assert "next weeks" in shown and "HR@10" in shown and "0.2200" in shown and "popularity" in shown
    assert "Coverage" not in shown


def test_staff_account_is_there_with_debug_only(db, settings):
    assert run_demo._staff_account() == "" and not get_user_model().objects.exists()
    settings.DEBUG = True
    assert run_demo._staff_account() == "staff"
    assert get_user_model().objects.get().is_superuser


def test_staff_account_is_not_told_once_its_password_was_changed(db, settings):
    settings.DEBUG = True
    run_demo._staff_account()
    user = get_user_model().objects.get()
    user.set_password("mine now")
    user.save()
    assert run_demo._staff_account() == ""


def test_staff_account_is_not_made_beside_another(db, settings):
    settings.DEBUG = True
    get_user_model().objects.create_superuser("boss", password="x")
    assert run_demo._staff_account() == ""
    assert get_user_model().objects.count() == 1
