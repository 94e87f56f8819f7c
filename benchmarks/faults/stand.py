"""The shop on its stand: private servers, a small trained shop, and what the faults need of both."""

import json
import os
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request

from shopdemo.running.processes import DIRECT

from .judging import Outcome, judge
from .load import Load
from .servers import ALONE, PostgreSQL, Redis, Server, Web, Worker, wait_until

PRODUCTS, SHOPPERS, EVENTS = 60, 1_000, 12
VISITORS = 60  # so many that none of them is throttled
WARM, CALM = 2.0, 8.0  # seconds before a fault


class Stand:
    """Everything runs once it is made, or nothing when that fails; `close` ends it."""

    def __init__(self, folder: Path, is_timed: bool = True) -> None:
        self.folder, self.is_timed = folder, is_timed
        self.var = folder / "var"
        self.var.mkdir()
        self.database, self.broker, self.cache = PostgreSQL(folder), Redis("broker", folder), Redis("cache", folder)
        self.environment = {
            "DJANGO_SETTINGS_MODULE": "benchmarks.faults.settings",
            "VAR": str(self.var),
            "DEBUG": "False",
            "HTTPS": "False",
            "SECRET_KEY": "only for this stand, and long enough not to be warned of by any check",
            "DATABASE_URL": self.database.url,
            "CELERY_BROKER_URL": self.broker.url,
            "CACHE_URL": self.cache.url.replace("redis://", "rediscache://"),
            "OPENBLAS_NUM_THREADS": "1",
        }
        os.environ.update(self.environment, FAULTS_POOL="0", FAULTS_STATEMENT_TIMEOUT="0")
        self.web = Web(folder, self.environment | {"FAULTS_POOL": "8", "FAULTS_STATEMENT_TIMEOUT": "250"})
        self.workers: list[Worker] = []
        try:
            for server in (self.database, self.broker, self.cache):
                server.start()
            self._prepare()
            self.web.start()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        for server in (self.web, *self.workers, self.database, self.broker, self.cache):
            server.kill()

    def stop_workers(self) -> None:
        for worker in self.workers:
            worker.kill()

    def worker(self, stop_at: str = "", pool: Sequence[str] = ALONE, **environment: str) -> Worker:
        """One more Celery worker."""
        more = {"FAULTS_POOL": "0", "FAULTS_STATEMENT_TIMEOUT": "0", **environment}
        worker = Worker(f"worker{len(self.workers)}", self.folder, self.environment | more, stop_at, pool)
        worker.start()
        self.workers.append(worker)
        return worker

    def _prepare(self) -> None:
        import django

        django.setup()
        from django.core.management import call_command

        from . import shop

        call_command("migrate", verbosity=0)
        call_command("collectstatic", verbosity=0, interactive=False)
        shop.fill(PRODUCTS, SHOPPERS, EVENTS)
        self.products, self.cookies = shop.product_ids(), shop.visitors(VISITORS)
        self.train()

    def train(self, seconds: float = 300.0) -> int:
        """Retrain through the broker with a worker of its own; the id of the version that is current then."""
        from recommendations.retraining import request_retraining

        before = self.newest()
        worker = self.worker()
        request_retraining("make faults")
        try:
            wait_until(lambda: self.newest() > before and self.version()["status"] != "training", seconds, "a training")
        finally:
            worker.stop()
        ended = self.version()
        if ended["status"] != "published":
            raise SystemExit(f"The stand's training ended as {ended}: see {worker.log}")
        return ended["id"]

    def version(self, pk: int | None = None) -> dict[str, Any]:
        """A version's row, the newest by default."""
        from django.db import connections

        from recommendations.models import RecommenderVersion

        connections.close_all()
        rows = RecommenderVersion.objects.order_by("-pk").values("id", "status", "stage", "error", "artifact")
        return (rows.filter(pk=pk) if pk else rows).first() or {"id": 0, "status": ""}

    def newest(self) -> int:
        return self.version()["id"]

    def current(self) -> int:
        """The version that serves, as the database says."""
        from django.db import connections

        from recommendations.models import RecommenderVersion

        connections.close_all()
        found = RecommenderVersion.objects.current()
        return found.pk if found else 0

    def force_current(self, pk: int) -> None:
        """Make a version current without looking at its artifact."""
        from recommendations.models import RecommenderVersion

        rows = RecommenderVersion.objects
        rows.filter(status="published").update(status="retired")
        rows.filter(pk=pk).update(status="published")

    def copy_of_current(self) -> Any:
        """A retired version with an artifact of its own, as good as the current one."""
        from recommendations.models import RecommenderVersion
        from recommendations.publishing import upload

        current = RecommenderVersion.objects.get(pk=self.current())
        made = RecommenderVersion.objects.create(status="retired", started_by="make faults")
        upload(made, self.artifact(current))
        return made

    def artifact(self, version: Any) -> Path:
        """The folder of a version's artifact."""
        from recommendations.publishing.artifacts import get_storage

        return Path(get_storage().path(version.artifact))

    def ask(self, path: str) -> tuple[dict[str, str], bytes]:
        """What the shop answers a visitor: headers and body."""
        request = Request(f"http://127.0.0.1:{self.web.port}{path}")
        request.add_header("Cookie", f"recommendations_shopper={self.cookies[0]}")
        with DIRECT.open(request, timeout=30) as answer:
            return dict(answer.headers), answer.read()

    def served(self) -> str:
        """The version of the list that a visitor is shown."""
        return str(json.loads(self.ask("/recommendations/v1/lists/?placement=home")[1])["version"])

    def served_soon(self, pk: int, seconds: float = 8.0) -> bool:
        """Whether every worker takes to this version by itself."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if all(self.served() == str(pk) for _ in range(6)):
                return True
            time.sleep(0.2)
        return False

    def now_told(self) -> float:
        """The time that the shop's clock shows, by the token of a list."""
        from django.core import signing

        token = json.loads(self.ask("/recommendations/v1/lists/?placement=home")[1])["token"]
        return float(signing.loads(token, salt="recommendations.list")[-2])

    def send_retraining(self) -> None:
        """A message to the workers, whatever is being trained already."""
        from recommendations.models import RecommenderVersion
        from recommendations.tasks import retrain_recommender

        newest = RecommenderVersion.objects.order_by("-pk").values_list("pk", flat=True).first()
        message = {"started_by": "make faults", "after": newest or 0}
        retrain_recommender.apply_async(kwargs=message)

    def send_as_beat(self) -> None:
        """The message of the schedule that the docs give: nothing but the task."""
        from recommendations.tasks import retrain_recommender

        retrain_recommender.apply_async()

    def logged(self, events: Collection[str], since: float) -> list[dict[str, Any]]:
        """Lines of the log with one of these names."""
        path, found = self.var / "log.jsonl", []
        for line in path.read_text().splitlines() if path.exists() else []:
            entry = json.loads(line)
            from datetime import datetime

            if entry["event"] in events and datetime.fromisoformat(entry["time"]).timestamp() >= since:
                found.append(entry)
        return found

    @contextmanager
    def fault(
        self, name: str, logs: Collection[str] = (), in_doubt: int = 0, may_fail: int = 0, page: str = "/"
    ) -> Iterator[Outcome]:
        """Load, calm, the body as the fault, then the verdict; `logs` are the log's events that must tell the cause."""
        outcome, began_log = Outcome(name), time.time()
        with Load(self.web.port, self.products, self.cookies, page) as running:
            time.sleep(WARM)
            warm = time.monotonic()
            time.sleep(CALM)
            began = time.monotonic()
            yield outcome
            ended = time.monotonic()
            self.recover()
        stored = self.stored([name for _, name, _, _ in running.seen.events])
        judge(outcome, running.seen, (warm, began, ended), stored, in_doubt, may_fail, self.is_timed)
        if logs:
            outcome.logged = len(self.logged(logs, began_log))
            outcome.check(outcome.logged > 0, f"the log does not say {' or '.join(logs)}")

    @contextmanager
    def web_with(self, **environment: str) -> Iterator[None]:
        """The web processes started anew with this in their environment, and without it afterwards."""
        usual = self.web.environment
        try:
            self._restart_web({**usual, **environment})
            yield
        finally:
            self._restart_web(usual)

    def _restart_web(self, environment: dict[str, str]) -> None:
        self.web.stop()
        self.web.environment = environment
        self.web.start()

    def recover(self) -> None:
        """Until events are accepted again: every server that died is started."""
        servers: list[Server] = [self.database, self.broker, self.cache, self.web]
        for server in servers:
            if not server.is_alive():
                server.start()
        time.sleep(1.0)

    def stored(self, names: Collection[str]) -> set[str]:
        """Which of these events are in the database, by their keys."""
        from django.db import connections

        from recommendations.capture.keys import key_of_event
        from recommendations.models import Interaction

        connections.close_all()
        keys = set(Interaction.objects.values_list("event_key", flat=True))
        return {name for name in names if key_of_event(Interaction.Source.BEACON, name) in keys}
