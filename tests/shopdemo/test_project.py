import os
import subprocess
import sys
from pathlib import Path

from django.conf import settings

ROOT = Path(__file__).parent.parent.parent


def run_in_the_demo(*arguments: str) -> subprocess.CompletedProcess[str]:
    """A pytest of its own, in which the demo shop is the installed shop."""
    command = [sys.executable, "-m", "pytest", "--ds=tests.shopdemo.settings", "-q", "-p", "no:cacheprovider"]
    environment = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "VAR")}
    return subprocess.run(
        [*command, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


def test_demo_its_own_tests_pass_where_it_is_installed():
    assert "shopdemo" not in settings.INSTALLED_APPS, "this pytest is the demo's: run tests/shopdemo/installed instead"
    done = run_in_the_demo("tests/shopdemo/installed")
    assert done.returncode == 0, done.stdout[-6_000:] + done.stderr[-2_000:]
    assert " skipped" not in done.stdout, done.stdout[-2_000:]
