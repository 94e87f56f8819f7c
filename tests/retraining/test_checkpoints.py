"""A training goes on from what a killed one left, on the same events; whatever ends well leaves nothing."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from recommendations.ml.kinds import Kind
from recommendations.ml.splitting import NotEnoughData
from recommendations.ml.text import NO_INDEX
from recommendations.models import Interaction, Product, RecommenderVersion, Shopper
from recommendations.retraining import cancel, new_shop, retrain, running
from recommendations.retraining.checkpoints import RESUMED_WITHIN, Kept
from recommendations.retraining.lease import Lease

Status = RecommenderVersion.Status
EVENTS = 24


class Killed(BaseException):
    pass


def keep(trainer):
    """What a fit does at times."""
    trainer.seen.checkpoints.mkdir(mode=0o700, parents=True, exist_ok=True)
    (trainer.seen.checkpoints / "judged-fit.json").write_text("{}")


@pytest.fixture
def killed(shop, trainer):
    """A training that was killed after its first checkpoint; since then, one more event."""

    def die():
        keep(trainer)
        raise Killed

    trainer.middle = die
    with pytest.raises(Killed):
        retrain("anna")
    trainer.middle = lambda: None
    Interaction.objects.create(
        shopper=Shopper.objects.first(),
        product=Product.objects.first(),
        kind=Kind.VIEW,
        source=Interaction.Source.BEACON,
        event_key=99,
    )
    return RecommenderVersion.objects.get()


def test_the_next_training_reads_the_same_events_and_the_one_after_all(killed, trainer):
    assert (killed.status, killed.data["report"]["rows"]) == (Status.FAILED, EVENTS)
    found = []
    trainer.middle = lambda: found.append((trainer.seen.checkpoints / "judged-fit.json").is_file())
    assert retrain("ben").status == Status.PUBLISHED
    assert (len(trainer.seen.log), found) == (EVENTS, [True])
    retrain("clara")
    assert (len(trainer.seen.log), found) == (EVENTS + 1, [True, False])


def test_killed_again_it_is_the_same_once_more(killed, trainer):
    def die():
        raise Killed

    trainer.middle = die
    with pytest.raises(Killed):
        retrain("ben")
    second = RecommenderVersion.objects.latest("pk")
    assert {name: second.data[name] for name in ("until", "as_of")} == {
        name: killed.data[name] for name in ("until", "as_of")
    }


def test_what_was_left_too_long_ago_is_begun_anew(killed, trainer):
    killed.data["as_of"] = (timezone.now() - RESUMED_WITHIN - timedelta(seconds=1)).isoformat()
    killed.save()
    retrain("ben")
    assert len(trainer.seen.log) == EVENTS + 1


def test_without_a_checkpoint_everything_is_read(killed, trainer):
    (trainer.seen.checkpoints / "judged-fit.json").unlink()
    retrain("ben")
    assert len(trainer.seen.log) == EVENTS + 1


def test_a_training_that_ended_in_between_is_what_counts(killed, trainer):
    RecommenderVersion.objects.create(status=Status.CANCELLED)
    retrain("ben")
    assert len(trainer.seen.log) == EVENTS + 1


def too_little():
    raise NotEnoughData("3 shoppers, 50 are needed")


@pytest.mark.parametrize("fate", [Status.PUBLISHED, Status.REJECTED, Status.SKIPPED])
def test_whatever_ends_leaves_nothing_behind(shop, trainer, fate, monkeypatch):
    monkeypatch.setattr(new_shop, "whole_catalog", lambda read: (read.vocabulary, NO_INDEX))  # nothing to count either

    def middle():
        keep(trainer)
        if fate == Status.SKIPPED:
            too_little()

    trainer.middle, trainer.refusal = middle, "not better" if fate == Status.REJECTED else ""
    assert retrain("anna").status == fate
    assert not trainer.seen.checkpoints.exists()


def test_a_worker_that_was_cancelled_leaves_its_successors_checkpoints_alone(shop, trainer):
    """Of this machine, too; what is its own goes when the next training begins."""

    def successor_begins():
        keep(trainer)
        cancel(RecommenderVersion.objects.in_training().pk)
        kept = Kept.begin(Lease.take("ben").version)
        assert not kept.directory.exists()
        keep(trainer)

    trainer.middle = successor_begins
    assert retrain("anna").status == Status.CANCELLED
    assert (trainer.seen.checkpoints / "judged-fit.json").is_file()


@pytest.mark.parametrize("step", ["sync_catalog", "read_log"])
def test_a_second_failure_before_anything_was_read_costs_nothing(killed, trainer, monkeypatch, step):
    def die(*args):
        raise Killed

    with monkeypatch.context() as dying, pytest.raises(Killed):
        dying.setattr(running, step, die)
        retrain("ben")
    found = []
    trainer.middle = lambda: found.append((trainer.seen.checkpoints / "judged-fit.json").is_file())
    retrain("clara")
    assert (len(trainer.seen.log), found) == (EVENTS, [True])


def test_when_a_visitor_has_logged_in_meanwhile_everything_is_read(killed, trainer):
    theirs, user = Interaction.objects.order_by("pk").first(), Shopper.objects.order_by("pk").last()
    Interaction.objects.filter(pk=theirs.pk).update(shopper=user, event_key=50)
    retrain("ben")
    assert len(trainer.seen.log) == EVENTS + 1


def test_a_folder_of_somebody_else_is_not_used(shop, trainer, monkeypatch):
    monkeypatch.setattr("os.getuid", lambda: 12_345_678)
    assert retrain("anna").status == Status.PUBLISHED
    assert trainer.seen.checkpoints is None


def test_shops_of_one_machine_have_folders_of_their_own(db, settings, monkeypatch):
    version = RecommenderVersion.objects.create()
    ours = Kept.begin(version).directory
    from recommendations.retraining import checkpoints

    other = {"default": type("Connection", (), {"settings_dict": {"NAME": "another"}})}
    monkeypatch.setattr(checkpoints, "connections", other)
    theirs = Kept.begin(version).directory
    assert isinstance(ours, Path)
    assert ours != theirs
    assert ours.parent == theirs.parent
