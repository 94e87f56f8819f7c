import os

import pytest
from django.core.cache import cache

from recommendations.publishing import forget

REQUIRE_ALL = os.environ.get("REQUIRE_ALL") == "1"


@pytest.fixture(autouse=True)
def _nothing_left_over():
    """Every test starts without a loaded recommender and with an empty cache."""
    forget()
    cache.clear()
    yield
    forget()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """With REQUIRE_ALL=1 a skip is a failure: where everything is installed, nothing may be left out."""
    report = yield
    if REQUIRE_ALL and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid}: REQUIRE_ALL=1 and {reason}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    """The same for modules that skip themselves."""
    report = yield
    if REQUIRE_ALL and report.outcome == "skipped":
        report.outcome = "failed"
        report.longrepr = f"{collector.nodeid}: REQUIRE_ALL=1 and {report.longrepr[2]}"
    return report
