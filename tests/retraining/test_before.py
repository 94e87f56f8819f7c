"""A training is given the current version's fits, and why it may not start from it."""

from pathlib import Path

import pytest

from recommendations.ml.artifact import KEPT_FITS
from recommendations.models import RecommenderVersion
from recommendations.publishing import publish
from recommendations.publishing.artifacts import get_storage
from recommendations.retraining import before, retrain
from recommendations.retraining.before import fits_before
from tests.retraining.made_shop import QUICK, make_shop

Status = RecommenderVersion.Status


@pytest.fixture
def readable(monkeypatch):
    """Every version kept its fits: its number stands for it."""
    monkeypatch.setattr(before, "read_kept_fits", lambda version: version.pk)


def test_before_the_first_version_there_is_nothing(shop, trainer):
    version = retrain("anna")
    assert (trainer.seen.before.fits, trainer.seen.before.why_cold) == (None, "no version had been published before")
    assert version.data["start"] == {"cold": "no version had been published before", "warm_starts": 0}


def test_the_current_version_is_started_from(shop, trainer, readable):
    first, _ = retrain("anna"), retrain("ben")
    assert (trainer.seen.before.fits, trainer.seen.before.why_cold) == (first.pk, "")


def test_after_a_roll_back_it_is_the_older_one(shop, trainer, readable):
    first, _ = retrain("anna"), retrain("ben")
    publish(first)
    assert (fits_before().fits, fits_before().why_cold) == (first.pk, "")


def test_after_a_rejected_training_the_next_starts_cold_and_the_one_after_that_does_not(shop, trainer, readable):
    first = retrain("anna")
    trainer.refusal = "not better"
    second = retrain("ben")
    assert (fits_before().fits, fits_before().why_cold) == (first.pk, f"version {second.pk} was rejected")
    trainer.refusal = ""
    third = retrain("clara")
    assert (fits_before().fits, fits_before().why_cold) == (third.pk, "")


def test_a_version_that_kept_none_is_no_reason_to_fail(shop, trainer):
    first = retrain("anna")  # an artifact as earlier releases wrote it
    version = retrain("ben")
    why = f"ArtifactError: version {first.pk} kept no {KEPT_FITS}"
    assert (version.status, version.data["start"]["cold"]) == (Status.PUBLISHED, why)


def test_a_storage_that_does_not_answer_is_no_reason_to_fail(shop, trainer, monkeypatch):
    retrain("anna")

    def no_answer(version):
        raise ConnectionError("the bucket does not answer")

    monkeypatch.setattr(before, "read_kept_fits", no_answer)
    assert retrain("ben").data["start"]["cold"] == "ConnectionError: the bucket does not answer"


def test_one_line_tells_why_it_started_cold(shop, trainer, caplog):
    caplog.set_level("INFO", "recommendations")
    version = retrain("anna")
    told = [record.getMessage() for record in caplog.records if record.event == "training_started_cold"]
    assert told == [
        f"training_started_cold: The training of version {version.pk} started from nothing: "
        "no version had been published before"
    ]


@pytest.mark.training
def test_the_second_real_training_starts_from_the_first_and_a_damaged_one_from_nothing(db, settings, heart_at_rest):
    settings.RECOMMENDATIONS = {"STRICT": True, "TRAINING": QUICK | {"errors_behind": 1e6, "warm_starts": 6}}
    make_shop()
    first, second = retrain("anna"), retrain("ben")
    assert (first.status, second.status) == (Status.RETIRED, Status.PUBLISHED) or second.error == ""
    assert second.data["start"] == {"version": first.pk, "new": 0.0, "warm_starts": 1}
    assert (first.data["steps"], second.data["steps"]) == (30, 2)
    assert second.data["current"]["version"] == first.pk
    assert second.data["current"]["new_products"]["shoppers"] > 0
    assert "current_version" in second.metrics["new_products"]
    Path(get_storage().path(f"{second.artifact}/{KEPT_FITS}")).write_bytes(b"damaged")
    third = retrain("clara")
    assert third.status == Status.PUBLISHED
    assert third.data["start"]["cold"].startswith("ArtifactError: kept_fits.npz has sha256")
