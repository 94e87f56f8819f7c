import ctypes

import pytest

from recommendations.publishing import current_recommender
from recommendations.publishing.giving_back import give_back_memory
from tests.published import publish_made_artifact


def test_it_never_raises():
    give_back_memory()


@pytest.mark.django_db
@pytest.mark.parametrize("error", [AttributeError, OSError, TypeError])
def test_a_system_without_glibc_serves_all_the_same(monkeypatch, error):
    def fail(name):
        raise error

    monkeypatch.setattr(ctypes, "CDLL", fail)
    version = publish_made_artifact()
    assert current_recommender().version == version.pk
