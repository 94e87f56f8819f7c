import json
import logging
import sys
from dataclasses import replace

import pytest
from django.core.files.base import ContentFile

from recommendations.auditing.gate import Verdict, check_reasons
from recommendations.catalog import sync_catalog
from recommendations.exceptions import RetrainingBusy
from recommendations.ml.artifact import MANIFEST
from recommendations.ml.splitting import NotEnoughData
from recommendations.ml.text import NO_INDEX
from recommendations.ml.training_settings import TrainingSettings
from recommendations.models import Interaction, Product, ProductPopularity, RecommenderVersion
from recommendations.models.recommender_version import best_baseline
from recommendations.publishing import current_recommender, forget, publish
from recommendations.publishing.artifacts import get_storage
from recommendations.retraining import cancel, new_shop, retrain, running
from recommendations.retraining.lease import Lease
from recommendations.serving import RecommendationQuery, recommend
from recommendations.serving.memory import Memory
from recommendations.signals import version_failed, version_rejected
from tests.retraining.made_shop import QUICK, make_shop
from tests.shop.models import Book

Status = RecommenderVersion.Status


@pytest.fixture
def heard():
    """The signals of what did not serve, as (name, version's id)."""
    signals = {"rejected": version_rejected, "failed": version_failed}
    sent, listeners = [], {}
    for name, signal in signals.items():

        def listener(version, name=name, **_):
            sent.append((name, version.pk))

        listeners[name] = listener  # a signal holds its listeners weakly
        signal.connect(listener)
    yield sent
    for name, signal in signals.items():
        signal.disconnect(listeners[name])


def fail(*args, **kwargs):
    raise RuntimeError("the disk is full")


def test_a_good_training_is_published(shop, trainer):
    version = retrain("anna")
    assert (version.status, version.started_by, version.error) == (Status.PUBLISHED, "anna", "")
    assert (version.stage, version.progress) == ("publishing", 1.0)
    assert version.finished_at <= version.published_at
    assert version.metrics["repeats_allowed"]["popularity"] == {"ndcg@10": 0.25}
    assert version.data["interactions"] == 24
    assert (version.data["report"]["rows"], version.data["report"]["kept"]) == (24, 24)
    assert version.settings == {"seed": 0}
    forget()
    assert current_recommender().version == version.pk


def test_the_next_good_training_takes_over(shop, trainer):
    first, second = retrain("anna"), retrain("ben")
    first.refresh_from_db()
    assert (first.status, second.status) == (Status.RETIRED, Status.PUBLISHED)


def test_the_catalog_and_what_is_popular_are_read_first(shop, trainer):
    Book.objects.create(name="Just in")
    version = retrain("anna")
    assert version.status == Status.PUBLISHED
    assert Product.objects.filter(title="Just in").exists()
    assert ProductPopularity.objects.count() == trainer.seen.log.item.max()
    assert set(trainer.seen.index.items.tolist()) == set(range(1, len(trainer.seen.vocabulary) + 1))  # all have words


def test_settings_are_the_shops_with_the_calls_on_top(shop, trainer, settings):
    settings.RECOMMENDATIONS = {"TRAINING": {"seed": 1}}
    assert retrain("anna").settings == {"seed": 1}
    assert retrain("anna", {"seed": 2}).settings == {"seed": 2}


def test_progress_goes_from_0_to_1_through_the_stages(shop, trainer):
    told = []
    retrain("anna", report=lambda stage, share: told.append((stage, round(share, 2))))
    assert told == [
        ("reading the catalog", 0),
        ("counting what is popular", 0.02),
        ("reading interactions", 0.08),
        ("judged fit", 0.08),
        ("final fit", 0.46),
        ("checking reasons", 0.83),
        ("checking reasons", 0.9),
        ("publishing", 0.98),
    ]


def test_a_bad_training_is_rejected_with_its_figures(shop, trainer, heard):
    trainer.refusal = "NDCG@10 0.1 against 0.2 of popularity"
    version = retrain("anna")
    assert (version.status, version.error) == (Status.REJECTED, trainer.refusal)
    assert version.metrics["repeats_allowed"]["recommender"] == {"ndcg@10": 0.5}
    assert version.artifact == ""
    assert version.finished_at is not None
    assert heard == [("rejected", version.pk)]
    assert current_recommender() is None


def test_a_training_whose_reasons_are_not_all_true_is_rejected(shop, trainer, heard):
    good = retrain("anna")
    assert good.fidelity == {"gate": {"claims": 3}}
    trainer.verdict = Verdict({"gate": {"claims": 3, "false": 1}}, "CV 0.6667")
    bad = retrain("ben")
    assert (bad.status, bad.error, bad.artifact) == (Status.REJECTED, "CV 0.6667", "")
    assert bad.fidelity == {"gate": {"claims": 3, "false": 1}}
    assert RecommenderVersion.objects.current() == good
    assert heard == [("rejected", bad.pk)]


@pytest.mark.training
def test_a_serving_that_lies_is_caught_before_it_serves(shop, trainer, monkeypatch):
    good = retrain("anna")
    # The gate may take a fifth of the training, and this one takes no time.
    as_after_a_minute = lambda version, directory, seconds, report: check_reasons(version, directory, 60.0, report)  # noqa: E731
    monkeypatch.setattr(running, "check_reasons", as_after_a_minute)
    monkeypatch.setattr(Memory, "strongest_event", lambda self, product_id: "saved")
    bad = retrain("ben")
    assert bad.status == Status.REJECTED
    assert bad.error.startswith("Not every reason it would give is true. CV 0.")
    assert "First: product " in bad.error
    assert bad.fidelity["gate"]["false"] > 0
    assert RecommenderVersion.objects.current() == good


def too_little():
    raise NotEnoughData("3 shoppers, 50 are needed")


def test_too_little_data_is_skipped_where_a_trained_version_serves(shop, trainer):
    good = retrain("anna")
    trainer.middle = too_little
    version = retrain("ben")
    assert (version.status, version.error) == (Status.SKIPPED, "3 shoppers, 50 are needed")
    assert RecommenderVersion.objects.current() == good


def test_without_a_word_in_the_catalog_too_little_data_is_skipped(shop, trainer, monkeypatch):
    trainer.middle = too_little
    monkeypatch.setattr(new_shop, "whole_catalog", lambda read: (read.vocabulary, NO_INDEX))
    version = retrain("anna")
    assert (version.status, version.error) == (Status.SKIPPED, "3 shoppers, 50 are needed")


@pytest.mark.training
def test_a_new_shop_is_served_what_can_be_counted_until_more_can_be_learned(shop, trainer, monkeypatch):
    monkeypatch.setattr(running, "_trainer", lambda settings: (trainer.train, TrainingSettings(width=16)))
    trainer.middle = too_little
    Book.objects.create(name="Never met")
    first, second = retrain("anna"), retrain("ben")
    first.refresh_from_db()
    assert (first.error, first.status, second.status) == ("", Status.RETIRED, Status.PUBLISHED)
    assert (second.data["counted"], second.error, second.metrics) == ("3 shoppers, 50 are needed", "", {})
    assert second.data["report"]["rows"] == 24
    forget()
    vocabulary = current_recommender().scorer.vocabulary
    assert len(vocabulary) == Product.objects.count()
    assert vocabulary.product_ids[: len(trainer.seen.vocabulary)] == trainer.seen.vocabulary.product_ids
    trainer.middle = lambda: None
    third = retrain("ben")
    assert (third.status, third.is_counted) == (Status.PUBLISHED, False)
    assert trainer.seen.before.fits is None  # nothing to start from


@pytest.mark.parametrize("step", ["sync_catalog", "read_log", "_trainer", "check_reasons", "upload", "publish"])
def test_whatever_breaks_the_current_version_serves_on(shop, trainer, heard, monkeypatch, caplog, step):
    good = retrain("anna")
    monkeypatch.setattr(running, step, fail)
    bad = retrain("ben")
    assert bad.status == Status.FAILED
    assert bad.error.startswith("RuntimeError: the disk is full")
    assert bad.finished_at is not None
    assert RecommenderVersion.objects.current() == good
    forget()
    assert current_recommender().version == good.pk
    assert heard == [("failed", bad.pk)]
    ours = [record.levelno for record in caplog.records if record.name == "recommendations"]
    assert ours == [logging.ERROR]
    monkeypatch.undo()


def test_a_failure_within_the_training_names_the_stage(shop, trainer):
    trainer.middle = fail
    assert retrain("anna").error == "RuntimeError: the disk is full (in stage 'judged fit')"


def test_after_a_failure_one_can_train_again(shop, trainer):
    trainer.middle = fail
    assert retrain("anna").status == Status.FAILED
    trainer.middle = lambda: None
    assert retrain("anna").status == Status.PUBLISHED


def test_one_that_was_cancelled_in_the_middle_publishes_nothing(shop, trainer):
    trainer.middle = lambda: cancel(RecommenderVersion.objects.in_training().pk)
    version = retrain("anna")
    assert (version.status, version.artifact, version.error) == (Status.CANCELLED, "", "")
    assert RecommenderVersion.objects.current() is None


def test_one_that_was_cancelled_during_the_upload_is_not_published(shop, trainer, monkeypatch):
    upload = running.upload

    def upload_and_cancel(version, directory):
        upload(version, directory)
        cancel(version.pk)

    monkeypatch.setattr(running, "upload", upload_and_cancel)
    assert retrain("anna").status == Status.CANCELLED
    assert RecommenderVersion.objects.current() is None


def test_one_that_was_cancelled_between_its_last_look_and_the_flip_is_not_published(shop, trainer, monkeypatch):
    publish = running.publish

    def cancel_and_publish(version):
        cancel(version.pk)
        publish(version)

    monkeypatch.setattr(running, "publish", cancel_and_publish)
    assert retrain("anna").status == Status.CANCELLED
    assert RecommenderVersion.objects.current() is None


def test_a_second_training_is_refused_and_harms_nothing(shop, trainer):
    def start_another():
        with pytest.raises(RetrainingBusy):
            retrain("ben")

    trainer.middle = start_another
    assert retrain("anna").status == Status.PUBLISHED
    assert RecommenderVersion.objects.count() == 1


@pytest.mark.parametrize(("letter", "told"), [("\0", " "), ("\ud800", r"\ud800")], ids=["NUL", "surrogate"])
def test_an_error_that_no_database_takes_ends_the_training_all_the_same(shop, trainer, caplog, letter, told):
    def fail():
        raise ValueError(f"a {letter} b")

    trainer.middle = fail
    version = retrain("anna")
    assert (version.status, version.error) == (Status.FAILED, f"ValueError: a {told} b (in stage 'judged fit')")
    caplog.text.encode()  # a log file takes it too


def test_the_row_quotes_no_more_of_an_error_than_the_log(shop, trainer):
    def fail():
        raise ValueError("no price list for 'jane@example.org'")

    trainer.middle = fail
    assert retrain("anna").error == "ValueError: no price list for … (in stage 'judged fit')"


def test_a_training_that_fails_deletes_what_a_cancelled_one_stored(shop, trainer, monkeypatch):
    left = RecommenderVersion.objects.create(status=Status.CANCELLED, artifact="version-1-ab", artifact_sha256="c")
    trainer.middle = fail
    retrain("anna")
    left.refresh_from_db()
    assert left.artifact == ""


def test_a_worker_that_is_told_to_stop_says_so_and_stops(shop, trainer, heard, caplog):
    def interrupt():
        raise KeyboardInterrupt

    trainer.middle = interrupt
    with pytest.raises(KeyboardInterrupt):
        retrain("anna")
    version = RecommenderVersion.objects.get()
    assert (version.status, version.error) == (
        Status.FAILED,
        "The worker was stopped by KeyboardInterrupt (in stage 'judged fit')",
    )
    assert heard == [("failed", version.pk)]
    assert [entry.event for entry in caplog.records if entry.name == "recommendations"] == ["training_failed"]


def test_artifacts_that_can_not_be_deleted_do_not_undo_the_publishing(shop, trainer, monkeypatch):
    monkeypatch.setattr(running, "prune", fail)
    assert retrain("anna").status == Status.PUBLISHED


def test_a_process_that_lacks_torch_says_what_to_install_and_nothing_else(shop, monkeypatch, heart_at_rest, caplog):
    for name in ("pipeline", "threads"):
        monkeypatch.delitem(sys.modules, f"recommendations.ml.training.{name}", raising=False)
    monkeypatch.setitem(sys.modules, "torch", None)
    version = retrain("anna")
    assert version.status == Status.FAILED
    assert version.error.startswith("This process can't train, torch is not installed: ")
    assert version.error.endswith('pip install "django-because[training]" where the Celery worker runs.')
    [entry] = caplog.records
    assert (entry.event, entry.fields["stage"], entry.exc_text) == ("training_failed", "its beginning", None)
    assert entry.fields["cause"].startswith("NotConfigured: This process can't train, torch is not installed: ")


@pytest.mark.training
def test_a_setting_that_does_not_exist_is_named(shop, heart_at_rest):
    version = retrain("anna", {"stpes": 3})
    assert version.status == Status.FAILED
    assert "TRAINING has an unknown key 'stpes': expected some of ['dropout', " in version.error


def test_nothing_is_left_on_the_disk(shop, trainer, monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "work"))
    (tmp_path / "work").mkdir()
    retrain("anna")
    trainer.middle = fail
    retrain("anna")
    assert list((tmp_path / "work").glob("recommender-*")) == []


def test_the_lease_ends_when_the_row_does(shop, trainer):
    retrain("anna")
    assert Lease.take("ben").version.status == Status.TRAINING


@pytest.mark.training
def test_the_real_training_ends_in_recommendations(db, settings, heart_at_rest):
    settings.RECOMMENDATIONS = {"STRICT": True, "TRAINING": QUICK}
    make_shop()
    version = retrain("anna")
    assert (version.status, version.error) == (Status.PUBLISHED, "")
    forget()
    loaded = current_recommender()
    assert len(loaded.scorer.vocabulary) == 40
    assert version.data["interactions"] == Interaction.objects.count() == 1440
    assert version.data["parity"]["eps"] > 0
    gate = version.fidelity["gate"]
    assert gate["claims"] > 0
    assert (gate["false"], gate["false_facts"], gate["not_minimal"], gate["different"]) == (0, 0, 0, 0)
    assert gate["shoppers"] > 0
    assert "coverage" in version.fidelity["plots"]
    assert set(version.metrics["new_products"]) >= {"recommender", "popularity", "next_item_table", "bought_before"}


@pytest.mark.training
def test_what_is_counted_takes_over_from_what_this_release_can_not_read(shop, trainer, monkeypatch):
    monkeypatch.setattr(running, "_trainer", lambda settings: (trainer.train, TrainingSettings(width=16)))
    good = retrain("anna")
    trainer.middle = too_little
    assert retrain("ben").status == Status.SKIPPED
    manifest = f"{good.artifact}/{MANIFEST}"
    told = json.loads(get_storage().open(manifest).read())
    get_storage().delete(manifest)
    get_storage().save(manifest, ContentFile(json.dumps(told | {"format_version": 4})))
    version = retrain("ben")
    assert (version.status, version.is_counted) == (Status.PUBLISHED, True)


@pytest.mark.training
def test_what_is_counted_takes_no_place_of_what_staff_publish_meanwhile(shop, trainer, monkeypatch):
    monkeypatch.setattr(running, "_trainer", lambda settings: (trainer.train, TrainingSettings(width=16)))
    learned = retrain("anna")
    trainer.middle = too_little
    RecommenderVersion.objects.filter(pk=learned.pk).update(status=Status.RETIRED)
    counted = retrain("ben")
    assert counted.is_counted and counted.status == Status.PUBLISHED

    def meanwhile(*args):
        publish(learned)
        return Verdict({"gate": {"claims": 3}}, "")

    monkeypatch.setattr(running, "check_reasons", meanwhile)
    assert retrain("ben").status == Status.SKIPPED
    assert RecommenderVersion.objects.current() == learned


@pytest.mark.training
def test_what_is_counted_knows_what_can_be_bought_and_what_comes_after_it(db, settings, heart_at_rest, monkeypatch):
    settings.RECOMMENDATIONS = {"STRICT": True}
    books = [Book.objects.create(name=f"Tales of the {('sea', 'moon')[k % 2]} no{k}", shelf="Tales") for k in range(12)]
    sync_catalog()
    Product.objects.filter(product_id=str(books[0].pk)).update(available=False)
    monkeypatch.setattr(running, "sync_catalog", lambda: None)
    assert retrain("anna").status == Status.PUBLISHED
    forget()
    known = set(current_recommender().scorer.vocabulary.product_ids)
    assert known == {str(book.pk) for book in books[1:]}
    new = Book.objects.create(name="New tales of the sea", shelf="Tales")
    sync_catalog()
    forget()
    assert str(new.pk) in current_recommender().scorer.vocabulary.product_ids
    found = recommend(RecommendationQuery("similar", product_id=str(new.pk), limit=3))
    assert len(found.product_ids) == 3


def figures(counted, popular):
    named = {"recommender": 0.2, "network": 0.1, "counted": counted, "recent_popularity": popular}
    return {"new_products": {name: {"ndcg@10": value} for name, value in named.items()}}


@pytest.mark.training
def test_what_is_learned_and_no_good_gives_way_to_what_is_counted_where_that_is_better_than_popular(
    shop, trainer, monkeypatch
):
    monkeypatch.setattr(running, "_trainer", lambda settings: (trainer.train, TrainingSettings(width=16)))
    trainer.refusal, trainer.metrics = "NDCG@10 0.2 against 0.3 of counted.", figures(0.3, 0.3)
    assert (retrain("anna").status, RecommenderVersion.objects.current()) == (Status.REJECTED, None)
    trainer.metrics = figures(0.3, 0.1)
    version = retrain("anna")
    assert (version.status, version.error, version.data["counted"]) == (Status.PUBLISHED, "", trainer.refusal)
    assert {name: found["ndcg@10"] for name, found in version.metrics["new_products"].items()} == {
        "recommender": 0.3,
        "learned": 0.2,
        "recent_popularity": 0.1,
    }
    assert best_baseline(version.metrics["new_products"]) == ("recent_popularity", 0.1)
    trainer.refusal = ""
    learned = retrain("anna")
    trainer.refusal = "NDCG@10 0.2 against 0.3 of counted."
    assert retrain("anna").status == Status.REJECTED
    assert RecommenderVersion.objects.current() == learned


@pytest.mark.training
def test_a_shop_on_its_first_day_shows_what_is_alike_with_true_reasons(db, settings, heart_at_rest):
    settings.RECOMMENDATIONS = {"STRICT": True}
    for k in range(40):
        Book.objects.create(name=f"Tales of the {('sea', 'moon', 'wood', 'town')[k % 4]} no{k}", shelf="Tales")
    version = retrain("anna")
    assert (version.status, version.error) == (Status.PUBLISHED, "")
    assert version.data["counted"].startswith("nobody has done anything yet")
    gate = version.fidelity["gate"]
    assert gate["claims"] > 0
    assert (gate["false"], gate["false_facts"], gate["not_minimal"], gate["different"]) == (0, 0, 0, 0)
    forget()
    sea = Book.objects.filter(name__contains="sea")
    query = RecommendationQuery("similar", product_id=str(sea[0].pk), limit=5)
    alike = recommend(query)
    assert (alike.version, len(alike.product_ids)) == (str(version.pk), 5)
    assert set(alike.product_ids) <= {str(book.pk) for book in sea}
    assert recommend(replace(query, placement="bought_together")).product_ids == []


@pytest.mark.training
def test_an_empty_shop_is_told_what_is_missing(db, heart_at_rest):
    version = retrain("anna")
    assert version.status == Status.SKIPPED
    assert "nobody has done anything yet" in version.error
