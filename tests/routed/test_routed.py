"""The app where a router sends its tables to a database of their own: a pytest with that project's settings."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def test_routed_shop_its_own_tests_pass_where_two_databases_are():
    command = [sys.executable, "-m", "pytest", "--ds=tests.routed.settings", "-q", "-p", "no:cacheprovider"]
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    done = subprocess.run(
        [*command, "tests/routed/installed"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-6_000:] + done.stderr[-2_000:]
    assert " skipped" not in done.stdout, done.stdout[-2_000:]
