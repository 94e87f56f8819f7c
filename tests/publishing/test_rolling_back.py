"""Which artifacts are kept for a roll back, and that none is published whose files are gone."""

from shutil import rmtree
from unittest.mock import patch

import pytest
from django.core.files.storage import FileSystemStorage
from django.db import connection
from django.test.utils import CaptureQueriesContext

from recommendations.exceptions import LeaseLost
from recommendations.ml.artifact import ArtifactError
from recommendations.models import RecommenderVersion
from recommendations.publishing import artifacts, current_recommender, forget, prune, publish, upload, versions
from recommendations.publishing.artifacts import get_storage, open_scorer
from tests.ml.made_artifact import make_artifact
from tests.published import publish_made_artifact
from tests.publishing.stored import fresh

Status = RecommenderVersion.Status
pytestmark = pytest.mark.usefixtures("storage_of_its_own")


def test_old_artifacts_are_deleted_and_their_rows_kept(books, storage_of_its_own):
    versions = [publish_made_artifact(seed=seed) for seed in range(5)]
    assert prune() == [versions[1].pk, versions[0].pk]
    assert len([path for path in storage_of_its_own.iterdir() if any(path.iterdir())]) == 3
    assert RecommenderVersion.objects.count() == 5
    with pytest.raises(ArtifactError, match="has no artifact"):
        publish(RecommenderVersion.objects.get(pk=versions[0].pk))


def test_the_version_that_was_rolled_back_to_and_the_one_it_replaced_are_kept(books):
    older, bad = publish_made_artifact(), [publish_made_artifact(seed=seed) for seed in (1, 2)]
    publish(fresh(older))
    publish_made_artifact(seed=3)
    assert prune() == [bad[0].pk]
    assert fresh(older).artifact and fresh(bad[1]).artifact


def test_an_artifact_that_is_deleted_while_it_is_published_does_not_become_current(books, monkeypatch):
    made = [publish_made_artifact(seed=seed) for seed in range(4)]
    check = versions.check_stored

    def check_and_be_late(version):
        check(version)
        assert prune() == [made[0].pk]

    monkeypatch.setattr(versions, "check_stored", check_and_be_late)
    with pytest.raises(ArtifactError, match="has lost its artifact meanwhile: publish another version"):
        publish(fresh(made[0]))
    assert RecommenderVersion.objects.current().pk == made[3].pk


def test_what_is_published_while_old_artifacts_are_deleted_keeps_its_own(books, storage_of_its_own, monkeypatch):
    made = [publish_made_artifact(seed=seed) for seed in range(5)]
    delete, published = artifacts._delete, []

    def publish_and_delete(storage, name):
        if not published:
            published.append(made[0])
            publish(fresh(made[0]))
        delete(storage, name)

    monkeypatch.setattr(artifacts, "_delete", publish_and_delete)
    assert prune() == [made[1].pk]
    forget()
    assert current_recommender().version == made[0].pk


def test_one_artifact_that_can_not_be_deleted_keeps_no_other(books, storage_of_its_own, monkeypatch, caplog):
    made = [publish_made_artifact(seed=seed) for seed in range(5)]
    delete, stuck = artifacts._delete, made[1].artifact

    def refuse_one(storage, name):
        if name == stuck:
            raise PermissionError(13, "Permission denied")
        delete(storage, name)

    with monkeypatch.context() as refusing:
        refusing.setattr(artifacts, "_delete", refuse_one)
        assert prune() == [made[0].pk]
    said = [entry.fields for entry in caplog.records if entry.name == "recommendations"]
    assert said == [{"artifact": stuck, "cause": "PermissionError: [Errno 13] Permission denied"}]
    with pytest.raises(ArtifactError):
        publish(fresh(made[1]))  # some of its files may be gone
    assert prune() == [made[1].pk]
    assert not any((storage_of_its_own / stuck).glob("*"))


def test_an_upload_for_a_training_that_was_cancelled_leaves_nothing_behind(books, storage_of_its_own, tmp_path):
    version = RecommenderVersion.objects.create()
    make_artifact(tmp_path / "late")
    storage, saved = get_storage(), []

    def save(name, content):
        if not saved:
            RecommenderVersion.objects.filter(pk=version.pk).end(Status.CANCELLED)
        saved.append(FileSystemStorage.save(storage, name, content))

    with patch.object(storage, "save", save), pytest.raises(LeaseLost, match="is not training any more"):
        upload(version, tmp_path / "late")
    assert saved and list(storage_of_its_own.rglob("*.*")) == []
    assert (fresh(version).artifact, fresh(version).artifact_sha256) == ("", "")


def test_publishing_writes_before_it_reads(books):
    """SQLite answers "database is locked" at once when a transaction that has read writes after somebody else."""
    first, _ = publish_made_artifact(), publish_made_artifact(seed=1)
    with CaptureQueriesContext(connection) as asked:
        publish(first)
    asked = [query["sql"] for query in asked if not query["sql"].startswith(("BEGIN", "SAVEPOINT"))]
    assert asked[0].startswith(("UPDATE", "LOCK TABLE"))


def test_a_bucket_that_lost_its_files_is_not_rolled_back_to_whatever_this_machine_has(books, bucket):
    old, new = publish_made_artifact(), publish_made_artifact(seed=1)
    open_scorer(old)
    rmtree(bucket / old.artifact)
    with pytest.raises(ArtifactError, match=r"is missing in the storage"):
        publish(old)
    assert RecommenderVersion.objects.current().pk == new.pk
