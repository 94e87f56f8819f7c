import pytest

from tests.shopdemo.test_project import run_in_the_demo

from .chromium import find_chromium


@pytest.mark.browser
def test_demo_works_in_a_real_browser():
    if find_chromium() is None:
        pytest.skip("Chromium is missing: apt-get install chromium fonts-noto-color-emoji")
    pytest.importorskip("playwright", reason="playwright is missing: pip install 'django-because[dev]'")
    done = run_in_the_demo("tests/browser/pages")
    assert done.returncode == 0, done.stdout[-6_000:] + done.stderr[-2_000:]
    assert " skipped" not in done.stdout, done.stdout[-2_000:]
