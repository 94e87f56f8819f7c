"""Versions: what is shown of a training, and the buttons: retrain, cancel, publish again."""

import re
from datetime import timedelta

import pytest
from django.contrib.admin import site
from django.contrib.admin.models import LogEntry
from django.contrib.messages import get_messages
from django.urls import reverse
from django.utils import timezone

from recommendations.admin import versions
from recommendations.catalog import sync_catalog
from recommendations.exceptions import BrokerUnreachable, RetrainingBusy
from recommendations.ml.cleaning import DataReport
from recommendations.models import RecommenderVersion
from recommendations.publishing import current_recommender, forget
from tests.published import publish_made_artifact
from tests.shop.models import Book

LIST = "admin:recommendations_recommenderversion_changelist"
METRICS = {"repeats_allowed": {"recommender": {"ndcg@10": 0.5}, "bought_before": {"ndcg@10": 0.25}}}


@pytest.fixture
def training(db):
    return RecommenderVersion.objects.create(
        stage="final fit", progress=0.625, started_by="<anna>", heartbeat_at=timezone.now(), lease_owner="elsewhere/1/a"
    )


@pytest.fixture
def asked(monkeypatch):
    """Who asked for a retraining; instead of a broker."""
    names = []
    monkeypatch.setattr(versions, "request_retraining", names.append)
    return names


def page(version):
    return reverse("admin:recommendations_recommenderversion_change", args=[version.pk])


def button(name, *args):
    return reverse(f"admin:recommendations_{name}", args=args)


def told(response):
    return [str(message) for message in get_messages(response.wsgi_request)]


def test_retrain_now_asks_the_worker_and_comes_back(staff, asked):
    client = staff("retrain")
    assert button("retrain").encode() in client.get(reverse(LIST)).content
    response = client.post(button("retrain"))
    assert (response.status_code, response.url) == (302, reverse(LIST))
    assert asked == ["anna (admin)"]
    assert told(response) == ["A retraining is queued: a worker starts it as soon as it is free."]


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (RetrainingBusy(7), "Version 7 is being trained already"),
        (BrokerUnreachable("redis://nowhere", OSError("refused")), "The Celery broker redis://nowhere does not answer"),
    ],
)
def test_retrain_now_says_why_it_can_not(staff, monkeypatch, error, text):
    def fail(started_by):
        raise error

    monkeypatch.setattr(versions, "request_retraining", fail)
    (message,) = told(staff("retrain").post(button("retrain")))
    assert message.startswith(text)


@pytest.mark.parametrize("permissions", [["view_recommenderversion"], ["publish"], ["view_history"]])
def test_retrain_needs_its_permission(staff, asked, permissions):
    client = staff(*permissions)
    assert client.post(button("retrain")).status_code == 403
    assert asked == []
    if permissions != ["view_history"]:
        assert b"Retrain now" not in client.get(reverse(LIST)).content


def test_buttons_take_posts_only(staff, asked, training):
    client = staff("retrain", "publish")
    for address in (button("retrain"), button("cancel", training.pk), button("publish", training.pk)):
        assert client.get(address).status_code == 405
    assert asked == []


def test_buttons_are_safe_from_other_sites(staff, asked):
    client = staff("retrain")
    client.handler.enforce_csrf_checks = True
    assert client.post(button("retrain")).status_code == 403
    assert asked == []


def test_strangers_are_sent_to_the_login(client, db, asked):
    assert client.post(button("retrain")).url.startswith(reverse("admin:login"))
    assert asked == []


def test_a_training_shows_stage_and_progress_and_is_looked_at_again(staff, training):
    client = staff("retrain")
    for address in (reverse(LIST), page(training)):
        text = client.get(address).content.decode()
        assert '<progress class="rec-progress" max="1" value="0.625">62%</progress> 62% · final fit' in text
        assert f'<span data-recommendations-training="{training.pk}">' in text
        assert 'src="/static/recommendations/training.js" defer></script>' in text
        assert "http-equiv" not in text  # it would read the page out anew, and lose what was filled in
        assert re.search(r"<noscript>.*Show how far the training is now.*</noscript>", text)
        assert "&lt;anna&gt;" in text
    assert "disabled" in client.get(reverse(LIST)).content.decode().split("Retrain now")[0][-80:]


def test_nothing_is_looked_at_again_without_a_training(staff, db):
    RecommenderVersion.objects.create(status="skipped")
    html = staff("retrain").get(reverse(LIST)).content.decode()
    assert "training.js" not in html and "data-recommendations-ended" not in html


def test_a_dead_training_is_told_when_somebody_looks(staff, training):
    RecommenderVersion.objects.update(heartbeat_at=timezone.now() - timedelta(hours=1))
    client = staff("view_recommenderversion")
    text = client.get(reverse(LIST)).content.decode()
    assert "Failed</span> while final fit" in text
    assert "The worker died in stage &#x27;final fit&#x27;, 62% done" in client.get(page(training)).content.decode()


def test_cancel_stops_a_training(staff, training):
    client = staff("retrain")
    assert b"Cancel this training" in client.get(page(training)).content
    response = client.post(button("cancel", training.pk))
    assert told(response) == [f"Version {training.pk} is cancelled: its worker stops at its next step."]
    training.refresh_from_db()
    assert training.status == "cancelled"
    assert LogEntry.objects.get().get_change_message() == "Cancelled."
    assert b"Cancel this training" not in client.get(page(training)).content
    again = client.post(button("cancel", training.pk))
    assert told(again)[-1] == f"Version {training.pk} is not being trained any more."


def test_cancel_needs_its_permission(staff, training):
    client = staff("publish")
    assert b"Cancel this training" not in client.get(page(training)).content
    assert client.post(button("cancel", training.pk)).status_code == 403
    training.refresh_from_db()
    assert training.status == "training"


@pytest.fixture
def two_published(db):
    """(retired, current)."""
    Book.objects.bulk_create(Book(name=f"Book {k}") for k in range(5))
    sync_catalog()
    made = [publish_made_artifact(seed=seed) for seed in (0, 1)]
    for version in made:
        version.refresh_from_db()
    return made


def test_an_earlier_version_is_published_again(staff, two_published):
    retired, current = two_published
    client = staff("publish")
    assert b"Publish this version again" in client.get(page(retired)).content
    assert b"Publish this version again" not in client.get(page(current)).content
    response = client.post(button("publish", retired.pk))
    assert told(response) == [f"Version {retired.pk} serves now; every process has it within seconds."]
    forget()
    assert current_recommender().version == retired.pk
    assert LogEntry.objects.get().get_change_message() == "Published."


def test_a_version_whose_files_are_gone_is_not_published(staff, two_published):
    retired, current = two_published
    RecommenderVersion.objects.filter(pk=retired.pk).update(artifact="")
    client = staff("publish")
    assert b"Publish this version again" not in client.get(page(retired)).content
    (message,) = told(client.post(button("publish", retired.pk)))
    assert "has no artifact" in message
    assert RecommenderVersion.objects.current().pk == current.pk


def test_a_storage_that_does_not_answer_is_told_of(staff, two_published, monkeypatch, caplog):
    def no_answer(version):
        raise ConnectionError("the bucket does not answer")

    monkeypatch.setattr("recommendations.publishing.versions.check_stored", no_answer)
    retired, current = two_published
    why = "ConnectionError: the bucket does not answer"
    (message,) = told(staff("publish").post(button("publish", retired.pk)))
    assert message == f"Version {retired.pk} can't be served: {why}"
    assert [(entry.event, entry.fields["cause"]) for entry in caplog.records] == [("version_not_servable", why)]
    assert RecommenderVersion.objects.current().pk == current.pk


def test_whoever_looks_at_a_training_whose_worker_died_sees_that_it_failed(staff, db):
    dead = RecommenderVersion.objects.create(heartbeat_at=timezone.now() - timedelta(days=1), lease_owner="x/1/a")
    text = staff("view_recommenderversion").get(page(dead)).content.decode()
    assert "data-recommendations-training" not in text
    assert "The worker died" in text


def test_publishing_needs_its_permission(staff, two_published):
    retired, current = two_published
    client = staff("retrain")
    assert b"Publish this version again" not in client.get(page(retired)).content
    assert client.post(button("publish", retired.pk)).status_code == 403
    assert RecommenderVersion.objects.current().pk == current.pk


def test_unknown_versions_are_not_found(staff, db):
    client = staff("retrain", "publish")
    for name in ("cancel", "publish"):
        assert client.post(button(name, 4711)).status_code == 404


def test_metrics_stand_beside_the_baselines(staff, db):
    version = RecommenderVersion.objects.create(
        status="published", metrics=METRICS, data={"interactions": 1500, "judged_shoppers": {"repeats_allowed": 12}}
    )
    client = staff("view_recommenderversion")
    assert "<strong>0.500</strong> (bought before 0.250)" in client.get(reverse(LIST)).content.decode()
    text = client.get(page(version)).content.decode()
    assert "known products too (12 shoppers)" in text
    assert '<th scope="row">This recommender</th><td class="rec-best">0.5000</td>' in text
    assert '<th scope="row">Bought before</th><td>0.2500</td>' in text
    assert "<dt>Interactions</dt><dd>1,500</dd>" in text


def test_the_parts_stand_below_a_title_of_their_own(staff, db):
    importance = {"new_products": {"network": {"drop": 0.02, "low": 0.01, "high": 0.03}}}
    version = RecommenderVersion.objects.create(status="rejected", metrics=METRICS, data={"importance": importance})
    text = staff("view_recommenderversion").get(page(version)).content.decode()
    assert text.index("best value of a column is bold") < text.index("What each part is worth</h3>")
    assert "<caption>Products" not in text  # within the box that scrolls it would be cut
    assert "With little history this is normal" in text


def test_who_was_rejected_for_its_reasons_is_not_told_to_wait():
    rejected = RecommenderVersion(status="rejected", error="CV 0.9", fidelity={"gate": {"false": 1}})
    told = versions.VersionAdmin(RecommenderVersion, site).why(rejected)
    assert told.startswith("CV 0.9\nMore history does not mend this: it is a fault")


def test_a_version_without_figures_has_a_page(staff, db):
    version = RecommenderVersion.objects.create(status="failed", error="Disk full <here>")
    text = staff("view_recommenderversion").get(page(version)).content.decode()
    assert "Disk full &lt;here&gt;" in text
    assert "Nothing is measured yet." in text
    assert "No data was read yet." in text


def test_versions_can_not_be_edited(staff, two_published):
    client = staff("retrain", "publish", "change_recommenderversion", "delete_recommenderversion")
    assert client.post(page(two_published[0]), {"status": "published"}).status_code == 403
    assert client.post(reverse("admin:recommendations_recommenderversion_delete", args=[1])).status_code == 403


def test_pages_need_nothing_inline(staff, training):
    """A strict content security policy of the shop's breaks nothing."""
    client = staff("retrain")
    for address in (reverse(LIST), page(training)):
        text = client.get(address).content.decode()
        assert "style=" not in text
        assert "onclick" not in text


def test_a_version_tells_what_was_left_out(staff, db):
    report = DataReport(kept=5)
    report.leave_out("clock", 17)
    version = RecommenderVersion.objects.create(status="skipped", data={"report": report.to_dict()})
    html = staff("view_recommenderversion").get(page(version)).content.decode()
    assert '<th scope="row">Clock errors: before 1990, or in the future</th><td>17</td>' in html
    assert '<th scope="row">Learned from</th><td>5</td>' in html


def test_a_published_version_that_can_not_be_served_is_said_so(staff, shopper):
    version = RecommenderVersion.objects.current()
    words = f"Version {version.pk} is published and can&#x27;t be served"
    client = staff("publish")
    assert words not in client.get(reverse(LIST)).content.decode()
    RecommenderVersion.objects.filter(pk=version.pk).update(artifact="gone")
    forget()
    told = client.get(reverse(LIST)).content.decode()
    assert words in told
    assert "manifest.json is missing" in told
