"""The adapter in the real django-oscar: a pytest of its own, on SQLite or on what DATABASE_URL names."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.browser.chromium import find_chromium

ROOT = Path(__file__).parent.parent.parent
JOURNEY = "tests/oscar/installed/test_journey.py"


def run_in_oscar(*arguments: str) -> None:
    pytest.importorskip("oscar", reason="django-oscar is missing: pip install 'django-because[dev]'")
    command = [sys.executable, "-m", "pytest", "--ds=tests.oscar.settings", "-q", "-p", "no:cacheprovider"]
    command.append("--no-migrations")  # Oscar's take a minute
    environment = {name: value for name, value in os.environ.items() if name != "VAR"}
    done = subprocess.run(
        [*command, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-6_000:] + done.stderr[-2_000:]
    assert " skipped" not in done.stdout, done.stdout[-2_000:]


def test_oscar_shop_its_own_tests_pass_where_it_is_installed():
    run_in_oscar("tests/oscar/installed", f"--ignore={JOURNEY}")


@pytest.mark.training
@pytest.mark.browser
def test_a_person_is_told_why_in_a_real_browser():
    if find_chromium() is None:
        pytest.skip("Chromium is missing: apt-get install chromium fonts-noto-color-emoji")
    run_in_oscar(JOURNEY)
