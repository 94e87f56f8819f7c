import pytest
from django.db import OperationalError

from recommendations import metrics
from recommendations.publishing import current, current_recommender
from recommendations.serving import warm_up, warming


def test_what_is_loaded_first_need_not_be_loaded_by_a_visitor(version, monkeypatch):
    warm_up()
    monkeypatch.setattr(current, "open_scorer", lambda version: pytest.fail("loaded again"))
    assert current_recommender().version == version.pk


def test_figures_are_made_before_the_first_request(version, settings, monkeypatch):
    made = []
    monkeypatch.setattr(metrics, "_made", lambda: made.append("figures"))
    warm_up()
    assert made == []
    settings.RECOMMENDATIONS = {"METRICS": True}
    warm_up()
    assert made == ["figures"]


def test_without_a_version_there_is_nothing_to_load(books):
    warm_up()


def test_a_process_starts_though_the_database_is_away(settings, monkeypatch, caplog):
    settings.RECOMMENDATIONS = {"STRICT": False}

    def fail():
        raise OperationalError("no database")

    monkeypatch.setattr(warming, "current_recommender", fail)
    warm_up()
    assert "no database" in caplog.text
