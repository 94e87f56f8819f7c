"""Artifacts in a bucket, and the copies of them that a machine keeps."""

from concurrent.futures import ThreadPoolExecutor
from os import getuid, utime
from shutil import rmtree
from time import sleep

import pytest

from recommendations.ml.artifact import FILES, MANIFEST, ArtifactError
from recommendations.models import RecommenderVersion
from recommendations.publishing import artifacts
from recommendations.publishing.artifacts import get_storage, open_scorer
from tests.publishing.stored import damage, trained

Status = RecommenderVersion.Status


def copies(tmp_path):
    return list(tmp_path.glob("django-because-*/version*"))


def test_an_artifact_in_a_bucket_is_copied_once_and_checked(db, bucket, tmp_path):
    version = trained(tmp_path)
    first = open_scorer(version)
    rmtree(bucket)
    assert open_scorer(version).version == first.version


def test_a_bucket_that_lacks_a_file_is_an_artifact_error(db, bucket, tmp_path):
    version = trained(tmp_path)
    (bucket / version.artifact / "bias.npy").unlink()
    with pytest.raises(ArtifactError, match=r"bias\.npy is missing in the storage"):
        open_scorer(version)
    assert copies(tmp_path) == []


def test_a_link_in_place_of_the_copies_folder_is_not_followed(db, bucket, tmp_path):
    theirs = tmp_path / "home" / "precious"
    theirs.mkdir(parents=True)
    utime(theirs, (1, 1))
    version = trained(tmp_path)
    (tmp_path / f"django-because-{getuid()}").symlink_to(tmp_path / "home")
    with pytest.raises(ArtifactError, match="has no folder of this process's own; set TMPDIR to one"):
        open_scorer(version)
    assert theirs.is_dir()


@pytest.mark.parametrize("name", ["bias.npy", MANIFEST])
def test_what_was_damaged_on_the_way_is_downloaded_again(db, bucket, tmp_path, name):
    version = trained(tmp_path)
    damage(name)(bucket / version.artifact)
    with pytest.raises(ArtifactError, match=rf"{name}"):
        open_scorer(version)
    assert copies(tmp_path) == []
    damage(name)(bucket / version.artifact)  # the same bit once more: whole again
    assert open_scorer(version).version


def test_a_copy_that_lost_a_file_is_downloaded_again(db, bucket, tmp_path):
    version = trained(tmp_path)
    open_scorer(version)
    (copies(tmp_path)[0] / "bias.npy").unlink()
    with pytest.raises(ArtifactError, match=r"bias\.npy"):
        open_scorer(version)
    assert open_scorer(version).version


def test_copies_that_nobody_opens_any_more_are_deleted(db, bucket, tmp_path):
    old, used, new = (trained(tmp_path, name, Status.RETIRED) for name in ("old", "used", "new"))
    for version in (old, used):
        open_scorer(version)
    for copy in copies(tmp_path):
        utime(copy, (1, 1))
    open_scorer(used)
    open_scorer(new)
    kept = {copy.name.rpartition("-")[0] for copy in copies(tmp_path)}
    assert kept == {used.artifact, new.artifact}


def test_processes_that_see_a_version_at_once_download_it_once(db, bucket, tmp_path, monkeypatch):
    version, downloads, download = trained(tmp_path), [], artifacts._download

    def slow(storage, name, target):
        downloads.append(name)
        sleep(0.01)
        download(storage, name, target)

    monkeypatch.setattr(artifacts, "_download", slow)
    with ThreadPoolExecutor(4) as at_once:
        copies = list(at_once.map(lambda _: artifacts._cached(get_storage(), version), range(4)))
    assert len(set(copies)) == 1
    assert sorted(downloads) == sorted(set(downloads)) and len(downloads) == len(FILES) + 1
