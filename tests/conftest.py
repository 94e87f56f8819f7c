"""What every test starts from, and REQUIRE_ALL=1, under which a skipped test is a failed one."""

import os
from importlib.util import find_spec
from unittest.mock import patch

import hypothesis
import pytest
from django.conf import settings

from tests.examples import examples

# Modules that import recommendations.ml.training; single tests that need it carry the mark `training`.
NEED_TORCH = [
    "auditing/test_audit_command.py",
    "benchmarks/test_cold.py",
    "benchmarks/test_data_files.py",
    "benchmarks/test_decoder.py",
    "benchmarks/test_explainers.py",
    "benchmarks/test_explanations.py",
    "benchmarks/test_known_features.py",
    "benchmarks/test_many_rows.py",
    "benchmarks/test_new_shop.py",
    "benchmarks/test_protocols.py",
    "benchmarks/test_quality.py",
    "benchmarks/test_recheck.py",
    "benchmarks/test_seeds.py",
    "benchmarks/test_self_attention.py",
    "benchmarks/test_small_model.py",
    "benchmarks/test_tifu.py",
    "benchmarks/test_training_speed.py",
    "benchmarks/test_two_processes.py",
    "benchmarks/test_warm_start.py",
    "ml/test_baselines.py",
    "ml/test_checkpoints.py",
    "ml/test_cooccurrence.py",
    "ml/test_counted.py",
    "ml/test_fit.py",
    "ml/test_importance.py",
    "ml/test_judge.py",
    "ml/test_learner.py",
    "ml/test_likeness.py",
    "ml/test_loss.py",
    "ml/test_mixing.py",
    "ml/test_network.py",
    "ml/test_next_training.py",
    "ml/test_pipeline.py",
    "ml/test_queries_in_training.py",
    "ml/test_reference.py",
    "ml/test_settings.py",
    "ml/test_together.py",
    "ml/test_trial.py",
    "ml/test_warm_start.py",
]
HAS_TORCH = find_spec("torch") is not None
collect_ignore = [] if HAS_TORCH else list(NEED_TORCH)
if find_spec("psycopg_pool") is None:
    collect_ignore.append("benchmarks/test_faults.py")  # they name what its pool raises
hypothesis.settings.register_profile("ours", max_examples=examples(100))
hypothesis.settings.load_profile("ours")
REQUIRE_ALL = os.environ.get("REQUIRE_ALL", "") not in ("", "0")


@pytest.fixture(autouse=True)
def _nothing_left_over():
    """No recommender loaded and no throttle counted by another test; tests/ml also runs with -p no:django."""
    if not settings.configured:
        yield
        return
    from django.core.cache import cache

    from recommendations.boundary import CircuitBreaker
    from recommendations.publishing import current, forget

    cache.clear()
    forget()
    for breaker in CircuitBreaker.made:
        breaker.close()
    with patch.object(current, "start", lambda work: work()):  # what would be loaded beside is loaded at once
        yield
    forget()


def pytest_collection_modifyitems(config, items):
    """What the mark of a test needs and this run lacks is left out: not skipped, which REQUIRE_ALL=1 forbids."""
    lacking = [] if HAS_TORCH else ["training"]
    if not (settings.configured and settings.DATABASES["default"]["ENGINE"].endswith("postgresql")):
        lacking.append("postgresql")
    left_out = [item for item in items if any(item.get_closest_marker(name) for name in lacking)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


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


@pytest.fixture
def storage_of_its_own(settings, tmp_path):
    """Artifacts lie in a folder of the test's own."""
    from recommendations.publishing import forget

    settings.STORAGES = settings.STORAGES | {
        "recommendations": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": tmp_path / "artifacts"},
        }
    }
    forget()
    yield tmp_path / "artifacts"
    forget()
