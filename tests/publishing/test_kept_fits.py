"""A version's fits lie beside its artifact: the next training reads them, serving does without."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from recommendations.ml.artifact import KEPT_FITS, MANIFEST, ArtifactError, read_manifest, write_manifest
from recommendations.ml.kept_fits import write_weights
from recommendations.models import RecommenderVersion
from recommendations.publishing import artifacts, prune, read_kept_fits, upload
from recommendations.publishing.artifacts import open_scorer
from tests.ml.made_artifact import make_artifact

SEEN = {"until": 1_000, "interactions": 99}
NUMBERS = {"judged": SEEN, "final": SEEN, "mix": {}, "warm_starts": 2}


@pytest.fixture(params=["django.core.files.storage.FileSystemStorage", "tests.publishing.bucket.Bucket"])
def stored(request, settings, tmp_path, monkeypatch):
    """Where artifacts lie, on a disk and in a bucket."""
    monkeypatch.setattr(artifacts, "gettempdir", lambda: str(tmp_path))
    options = {"location": tmp_path / "stored"}
    settings.STORAGES = settings.STORAGES | {"recommendations": {"BACKEND": request.param, "OPTIONS": options}}
    return tmp_path / "stored"


@pytest.fixture
def version(db, stored, tmp_path):
    return uploaded(tmp_path)


def uploaded(tmp_path, with_fit=True, status="training"):
    directory = tmp_path / "artifact"
    make_artifact(directory)
    (directory / KEPT_FITS).unlink(missing_ok=True)
    if with_fit:
        write_weights(directory, {"bias": np.ones(3, np.float32)}, np.ones(3, np.float32))
    manifest = read_manifest(directory)
    write_manifest(directory, replace(manifest, settings=manifest.settings | {"kept_fits": NUMBERS}))
    version = RecommenderVersion.objects.create(status=status)
    upload(version, directory)
    return version


def folder_of(version, stored):
    return Path(stored) / version.artifact


def test_the_next_training_reads_it(version):
    fits = read_kept_fits(version)
    assert (fits.version, fits.warm_starts) == (version.pk, 2)
    assert fits.judged.weights["bias"].tolist() == [1, 1, 1]


def test_serving_neither_copies_nor_needs_it(version, stored, tmp_path):
    (folder_of(version, stored) / KEPT_FITS).write_bytes(b"damaged")
    assert open_scorer(version).manifest.n == 30
    assert not list(tmp_path.glob(f"django-because-*/version*/{KEPT_FITS}"))
    with pytest.raises(ArtifactError, match=rf"{KEPT_FITS} has sha256"):
        read_kept_fits(version)


@pytest.mark.parametrize("name", [KEPT_FITS, MANIFEST])
def test_what_is_missing_is_named(version, stored, name):
    (folder_of(version, stored) / name).unlink()
    with pytest.raises(ArtifactError, match=f"{name} is missing"):
        read_kept_fits(version)


def test_a_manifest_of_another_artifact_is_not_believed(version, stored):
    manifest = folder_of(version, stored) / MANIFEST
    manifest.write_text(manifest.read_text().replace('"warm_starts": 2', '"warm_starts": 0'))
    with pytest.raises(ArtifactError, match=r"manifest\.json is not the one uploaded"):
        read_kept_fits(version)


def test_a_version_that_kept_none_serves_and_says_so(db, stored, tmp_path):
    version = uploaded(tmp_path, with_fit=False)
    assert open_scorer(version).manifest.n == 30
    with pytest.raises(ArtifactError, match=f"version {version.pk} kept no {KEPT_FITS}"):
        read_kept_fits(version)


def test_it_is_deleted_with_the_artifact(db, stored, tmp_path):
    versions = [uploaded(tmp_path, status="retired") for _ in range(4)]
    assert prune() == [versions[1].pk, versions[0].pk]
    left = {path.parent.name for path in stored.rglob(KEPT_FITS)}
    assert left == {version.artifact for version in versions[2:]}
