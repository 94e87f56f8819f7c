"""The adapter in the real django-oscar: a pytest of its own, on SQLite or on what DATABASE_URL names."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.browser.chromium import find_chromium

ROOT = Path(__file__).parent.parent.parent
JOURNEY = "tests/oscar/installed/test_journey.py"  # a person is told why in a real browser, by a trained version


def test_oscar_shop_its_own_tests_pass_where_it_is_installed():
    pytest.importorskip("oscar", reason="django-oscar is missing: pip install 'django-because[dev]'")
    command = [sys.executable, "-m", "pytest", "--ds=tests.oscar.settings", "-q", "-p", "no:cacheprovider"]
    command += ["--no-migrations", "tests/oscar/installed"]  # Oscar's take a minute
    can_journey = find_chromium() is not None and find_spec("torch") is not None
    environment = {name: value for name, value in os.environ.items() if name != "VAR"}
    done = subprocess.run(
        [*command, *([] if can_journey else [f"--ignore={JOURNEY}"])],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6_000:] + done.stderr[-2_000:]
    assert " skipped" not in done.stdout, done.stdout[-2_000:]
    if not can_journey:
        pytest.skip(
            "The rest passed. The journey needs Chromium and torch: apt-get install chromium fonts-noto-color-emoji"
        )
