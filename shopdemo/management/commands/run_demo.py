import signal
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from recommendations.exceptions import RecommendationsError
from recommendations.models import RecommenderVersion
from shopdemo import celery_app
from shopdemo.progress import console, one_bar
from shopdemo.running.processes import (
    Child,
    port_is_free,
    start_server,
    start_worker,
    wait_until_it_answers,
)
from shopdemo.running.table import metrics_tables
from shopdemo.running.training import TrainingFailed, ask_for_training, watch_training

STAFF = "staff"


class Command(BaseCommand):
    help = "The whole demo: database, data, a worker that trains, and the shop. Ctrl-C stops all of it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8000)

    def handle(self, *, port: int, **options: Any) -> None:
        if not port_is_free(port):
            raise CommandError(f"Port {port} is in use. Choose another: make demo PORT={port + 1}")
        signal.signal(signal.SIGTERM, _as_interrupt)
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs start with it ignored
        self.started = time.monotonic()
        self.timings: list[tuple[str, float]] = []
        self.running: list[Child] = []
        with ExitStack() as children:
            try:
                self._run(children, port)
            except KeyboardInterrupt:
                console.print("\nStopping the shop and the worker ...")
                for child in self.running:
                    child.ask_to_stop()
        console.print("Stopped. `make demo` goes on where this ended.")

    def _run(self, children: ExitStack, port: int) -> None:
        logs = Path(settings.VAR)
        with self._timed("database"):
            call_command("migrate", verbosity=0)
        console.print("[bold]Data[/bold]")
        with self._timed("data"):
            call_command("load_demo")
        untrained = RecommenderVersion.objects.current() is None
        if untrained and settings.CELERY_BROKER_URL.startswith("filesystem:"):
            # What an interrupted demo asked for would be trained a second time; other brokers are not ours to empty.
            celery_app.control.purge()
        worker = self._keep(children, start_worker(logs / "worker.log"))
        if untrained:
            console.print("[bold]Training[/bold] in the worker, from the shop's own database")
            with self._timed("training"):
                self._train(worker)
        with self._timed("server"):
            server = self._keep(children, start_server(port, logs / "server.log"))
            url = f"http://127.0.0.1:{port}"
            if not wait_until_it_answers(url, server):
                raise CommandError(f"The shop did not answer: {server.last_words()}\nIts log: {server.log}")
        spent = " · ".join(f"{what} {seconds:.0f} s" for what, seconds in self.timings)
        console.print(f"  {spent} · in all {time.monotonic() - self.started:.0f} s")
        console.print(f"[bold]Shop ready at {url}[/bold]", soft_wrap=True)
        if made := _staff_account():
            console.print(f"  For its staff: {url}/admin/ (name {made}, password {made})", soft_wrap=True)
        console.print("  Ctrl-C stops the shop and its worker.")
        _keep_company(server, worker)

    def _keep(self, children: ExitStack, child: Child) -> Child:
        self.running.append(child)
        return children.enter_context(child)

    def _train(self, worker: Child) -> None:
        newest = RecommenderVersion.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        try:
            ask_for_training("make demo")
            with one_bar() as report:
                version = watch_training(worker, newest, report)
        except (TrainingFailed, RecommendationsError) as failure:
            console.print(f"  [bold red]Nothing was published.[/bold red] {failure}")
            console.print("  The shop opens all the same and shows what is popular.")
            return
        if version.is_counted:
            why = version.data["counted"].rstrip(".")
            console.print(f"  Version {version.pk} is counted, not learned yet: {why}.")
        for table in metrics_tables(version.metrics):
            console.print(table)

    @contextmanager
    def _timed(self, what: str):
        began = time.monotonic()
        yield
        self.timings.append((what, time.monotonic() - began))


def _staff_account() -> str:
    """The name, and password, of an account for the admin; only with DEBUG, and only while there is no other."""
    users = get_user_model().objects
    if settings.DEBUG and not users.filter(is_staff=True).exists():
        users.create_superuser(STAFF, password=STAFF)
    mine = users.filter(username=STAFF, is_staff=True).first()
    return STAFF if settings.DEBUG and mine is not None and mine.check_password(STAFF) else ""


def _as_interrupt(number: int, frame: Any) -> None:
    raise KeyboardInterrupt


def _keep_company(server: Child, worker: Child) -> None:
    """Until Ctrl-C, or until the server is gone; without the worker the shop stays open and says so once."""
    said = False
    while server.is_alive():
        if not said and not worker.is_alive():
            said = True
            console.print(f"  The worker has stopped; the shop stays open. Its log: {worker.log}")
        time.sleep(0.5)
    raise CommandError(f"The server has stopped: {server.last_words()}\nIts log: {server.log}")
