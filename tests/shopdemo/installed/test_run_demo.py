"""The command itself, in a process of its own, on a small shop: it opens, and it stops all that it started."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from shopdemo.running.processes import DIRECT, port_is_free

ROOT = Path(__file__).parent.parent.parent.parent
pytestmark = pytest.mark.process

A_SMALL_SHOP = """
import django
django.setup()
from decimal import Decimal
from django.core.management import call_command
from recommendations.catalog import sync_catalog
from shopdemo.loading.steps import STEPS
from shopdemo.models import FinishedLoad, Product
from tests.published import publish_made_artifact
call_command("migrate", verbosity=0)
for place in range(1, 31):
    Product.objects.create(name=f"Bananas, {place} lb", title="Bananas", shelf="fruit", emoji="b", price=Decimal(place))
FinishedLoad.objects.bulk_create(FinishedLoad(step=step, rows=30) for step in STEPS)
sync_catalog()
if PUBLISHED:
    publish_made_artifact()
"""


@pytest.fixture
def environment(tmp_path) -> dict[str, str]:
    dropped = ("DATABASE_URL", "CELERY_BROKER_URL", "DJANGO_SETTINGS_MODULE", "DEBUG")
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    return {**kept, "VAR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "shopdemo.settings", "PYTHONUNBUFFERED": "1"}


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run(code: str, environment: dict[str, str]) -> None:
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=True)


def start(port: int, environment: dict[str, str]) -> subprocess.Popen[str]:
    command = [sys.executable, "manage.py", "run_demo", "--port", str(port)]
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def read_until(demo: subprocess.Popen[str], words: str) -> str:
    said = ""
    for line in demo.stdout:
        said += line
        if words in line:
            return said
    raise AssertionError(f"ended without {words!r}:\n{said}")


def wait_for_worker(log: Path) -> None:
    """Until Celery has taken over the signals: a worker that is still importing just ends on one."""
    until = time.monotonic() + 120
    while " ready." not in log.read_text():
        assert time.monotonic() < until, log.read_text()
        time.sleep(0.1)


def children_of(pid: int) -> list[int]:
    """The shop's server and the worker; only Linux tells."""
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in listed]


def test_run_demo_opens_the_shop_and_ctrl_c_stops_all_of_it(environment, port, tmp_path):
    run(A_SMALL_SHOP.replace("PUBLISHED", "True"), environment)
    demo = start(port, environment)
    said = read_until(demo, f"Shop ready at http://127.0.0.1:{port}")
    assert "Training" not in said
    with DIRECT.open(f"http://127.0.0.1:{port}/static/shopdemo/shop.css", timeout=10) as answer:
        assert answer.status == 200
    children = children_of(demo.pid) if sys.platform == "linux" else []
    assert len(children) in (0, 2)
    wait_for_worker(tmp_path / "worker.log")
    demo.send_signal(signal.SIGINT)
    rest = demo.communicate(timeout=60)[0]
    assert demo.returncode == 0 and "Stopped." in rest, rest
    assert not [child for child in children if Path(f"/proc/{child}").exists()]
    assert port_is_free(port)
    assert "Warm shutdown" in (tmp_path / "worker.log").read_text()


def test_run_demo_with_too_little_to_learn_from_says_so_and_opens_the_shop(environment, port):
    run(A_SMALL_SHOP.replace("PUBLISHED", "False"), environment)
    demo = start(port, environment)
    said = read_until(demo, "Shop ready at")
    demo.terminate()
    assert "Stopped." in demo.communicate(timeout=60)[0] and demo.returncode == 0
    assert "is counted, not learned yet: nobody has done anything yet" in " ".join(said.split())


def test_run_demo_without_its_broker_says_so_and_opens_the_shop(environment, port):
    environment = {**environment, "CELERY_BROKER_URL": "redis://127.0.0.1:1/0"}
    run(A_SMALL_SHOP.replace("PUBLISHED", "False"), environment)
    demo = start(port, environment)
    said = read_until(demo, "Shop ready at")
    demo.send_signal(signal.SIGINT)
    demo.communicate(timeout=60)
    assert "Nothing was published." in said and "127.0.0.1:1" in said
