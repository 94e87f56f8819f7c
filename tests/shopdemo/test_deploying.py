"""compose.yaml and docs/deploying.md say what the demo's settings do."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
READ = set(re.findall(r"\benv(?:\.\w+)?\(\s*\"(\w+)\"", (ROOT / "shopdemo" / "settings.py").read_text()))
DOCS = (ROOT / "docs" / "deploying.md").read_text()
COMPOSE = (ROOT / "compose.yaml").read_text()


def test_the_table_lists_every_variable_once():
    table = re.findall(r"^\| `([A-Z_]+)` \|", DOCS, re.MULTILINE)
    assert len(table) == len(set(table))
    assert set(table) == READ


def test_compose_sets_variables_that_exist():
    block = COMPOSE.partition("environment: &environment\n")[2].partition("  volumes:")[0]
    given = re.findall(r"^    ([A-Z_]+):", block, re.MULTILINE)
    assert len(given) >= 7 and set(given) <= READ


def test_compose_and_the_commands_start_the_same():
    for command in (
        "gunicorn shopdemo.wsgi",
        "celery --app shopdemo worker",
        "celery --app shopdemo beat",
        "load_demo",
    ):
        assert command in COMPOSE and command in DOCS
    for service in ("database", "redis", "rabbitmq", "setup", "web", "worker", "beat"):
        assert re.search(rf"^  {service}:$", COMPOSE, re.MULTILINE), service


def test_web_processes_count_together_in_a_folder_that_is_empty_when_they_start():
    web = COMPOSE.partition("\n  web:\n")[2].partition("\n\n")[0]
    (folder,) = re.findall(r"PROMETHEUS_MULTIPROC_DIR: (\S+)", COMPOSE)
    assert f"PROMETHEUS_MULTIPROC_DIR: {folder}" in web and f"tmpfs: [{folder}]" in web
    before_gunicorn = DOCS.partition("gunicorn shopdemo.wsgi")[0]
    assert "export PROMETHEUS_MULTIPROC_DIR=$(mktemp -d) " in before_gunicorn


def test_connections_are_kept_on_postgresql_unless_told_otherwise(tmp_path):
    def options(**environment):
        show = "from shopdemo.settings import DATABASES; print(DATABASES['default'].get('OPTIONS', {}).get('pool'))"
        known = {"PATH": os.environ["PATH"], "VAR": str(tmp_path), **environment}
        return subprocess.run([sys.executable, "-c", show], cwd=ROOT, env=known, capture_output=True, text=True).stdout

    there = {"DATABASE_URL": "postgres://127.0.0.1/shop"}
    assert options(**there) == "{'min_size': 1, 'max_size': 4, 'timeout': 5}\n"
    assert options(**there, DATABASE_POOL="9") == "{'min_size': 1, 'max_size': 9, 'timeout': 5}\n"
    assert options(**there, DATABASE_POOL="0") == options() == "None\n"


@pytest.mark.parametrize(
    ("cache", "told"),
    [
        ({"CACHE_URL": "redis://127.0.0.1:6379/1"}, "no issues ("),  # as docs/deploying.md has it
        ({}, "(recommendations.W009) CACHES['default'] is the memory of each process"),
    ],
)
def test_the_demo_in_production_has_nothing_to_mend_but_a_missing_cache(tmp_path, cache, told):
    environment = {
        "PATH": os.environ["PATH"],
        "DEBUG": "False",
        "SECRET_KEY": "not so long, but nobody needs it: 0123456789-abcdefghij",
        "VAR": str(tmp_path),
        "CELERY_BROKER_URL": "redis://127.0.0.1:6379/0",
        **cache,
    }
    check = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    done = subprocess.run(check, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)
    assert told in done.stdout + done.stderr
    assert done.returncode == (0 if cache else 1), done.stderr
