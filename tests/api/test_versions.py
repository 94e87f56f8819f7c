from datetime import timedelta

import pytest
from django.utils import timezone

from recommendations.api import versions
from recommendations.exceptions import BrokerUnreachable, NoBroker, RetrainingBusy
from recommendations.models import RecommenderVersion
from tests.api.conftest import URL

VERSIONS, RETRAIN = f"{URL}versions/", f"{URL}retrain/"


@pytest.fixture
def asked(monkeypatch):
    """Who asked for a retraining; nothing is sent to a broker."""
    calls = []
    monkeypatch.setattr(versions, "request_retraining", lambda started_by: calls.append(started_by))
    return calls


def test_versions_need_a_permission(client, user):
    assert client.get(VERSIONS).status_code == 403
    client.force_login(user)
    response = client.get(VERSIONS)
    assert response.status_code == 403
    assert "recommendations.view_recommenderversion" in response.json()["detail"]


def test_versions_newest_first(client, user, allow):
    allow("view_recommenderversion")
    client.force_login(user)
    RecommenderVersion.objects.create(status="failed", error="out of memory", started_by="schedule")
    newest = RecommenderVersion.objects.create(
        status="published", stage="done", progress=1, metrics={"test": {"network": {"ndcg@10": 0.1}}},
        published_at=timezone.now(),
    )  # fmt: skip
    first, second = client.get(VERSIONS).json()["versions"]
    assert (first["id"], first["status"], first["progress"]) == (newest.pk, "published", 1)
    assert first["metrics"] == {"test": {"network": {"ndcg@10": 0.1}}}
    assert first["published_at"] == newest.published_at.isoformat()
    assert (second["error"], second["started_by"], second["published_at"]) == ("out of memory", "schedule", None)
    assert len(client.get(VERSIONS, {"limit": 1}).json()["versions"]) == 1


def test_a_training_whose_worker_died_is_told_as_failed(client, user, allow):
    allow("view_recommenderversion")
    client.force_login(user)
    RecommenderVersion.objects.create(heartbeat_at=timezone.now() - timedelta(days=1), lease_owner="x/1/a")
    [version] = client.get(VERSIONS).json()["versions"]
    assert (version["status"], version["error"][:15]) == ("failed", "The worker died")


def test_a_limit_out_of_range_is_named(client, user, allow, errors):
    allow("view_recommenderversion")
    client.force_login(user)
    assert errors(client.get(VERSIONS, {"limit": "1000"}))[0][1] == "limit"


def test_retraining_needs_a_permission(client, user, asked):
    assert client.post(RETRAIN).status_code == 403
    client.force_login(user)
    assert client.post(RETRAIN).status_code == 403
    assert asked == []


def test_a_retraining_is_queued_under_the_users_name(client, user, allow, asked):
    allow("retrain")
    client.force_login(user)
    assert client.post(RETRAIN).status_code == 202
    assert asked == ["anna"]


def test_a_retraining_needs_a_csrf_token(browser, user, allow, asked):
    allow("retrain")
    browser.force_login(user)
    assert browser.post(RETRAIN).status_code == 403
    assert asked == []


@pytest.mark.parametrize(
    ("error", "code", "said", "later"),
    [
        (RetrainingBusy(7), 409, "Version 7", None),
        (BrokerUnreachable("redis://x", OSError("refused")), 503, "does not answer", "5"),
        (NoBroker(), 503, "broker", "5"),
    ],
)
def test_why_it_can_not_retrain_now(client, user, allow, monkeypatch, error, code, said, later):
    def refuse(started_by):
        raise error

    monkeypatch.setattr(versions, "request_retraining", refuse)
    allow("retrain")
    client.force_login(user)
    response = client.post(RETRAIN)
    assert (response.status_code, response.get("Retry-After")) == (code, later)
    assert said in response.json()["detail"]
