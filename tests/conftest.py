"""What every test starts from, and REQUIRE_ALL=1, under which a skipped test is a failed one."""

import os

import pytest
from django.conf import settings

REQUIRE_ALL = os.environ.get("REQUIRE_ALL", "") not in ("", "0")


@pytest.fixture(autouse=True)
def _nothing_left_over():
    """No recommender loaded and no throttle counted by another test; tests/ml also runs with -p no:django."""
    if not settings.configured:
        yield
        return
    from django.core.cache import cache

    from recommendations.publishing import forget

    cache.clear()
    forget()
    yield
    forget()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    return _required(report)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    report = yield
    return _required(report)


def _required(report):
    if REQUIRE_ALL and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid} was skipped, but REQUIRE_ALL=1 lets nothing be left out: {reason}"
    return report
