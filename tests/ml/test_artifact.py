import json
import shutil

import numpy as np
import pytest

from recommendations.ml import artifact
from recommendations.ml.artifact import ArtifactError, Manifest, verify
from tests.ml.made_artifact import make_artifact


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    directory = tmp_path_factory.mktemp("artifact")
    make_artifact(directory, n=20)
    return directory


@pytest.fixture
def directory(original, tmp_path):
    return shutil.copytree(original, tmp_path / "copy")


def sign(directory):
    """Write the checksums of the files as they are now, as a careful forger would."""
    manifest = artifact.read_manifest(directory)
    artifact.write_manifest(directory, manifest)


def change_manifest(directory, **changes):
    path = directory / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_sound_artifact_verifies(directory):
    manifest = verify(directory)
    assert (manifest.n, manifest.d, manifest.length) == (20, 16, 50)
    assert set(manifest.files) == set(artifact.FILES)
    assert len(artifact.read_vocabulary(directory)) == 20


def test_manifest_round_trip(directory):
    manifest = artifact.read_manifest(directory)
    assert Manifest.from_json(manifest.to_json()) == manifest
    assert Manifest.from_json(manifest.to_json()).version == manifest.version


def test_version_names_the_contents(directory, tmp_path):
    again, other = make_artifact(tmp_path / "again", n=20), make_artifact(tmp_path / "other", n=20, seed=1)
    assert verify(directory).version == again.version != other.version


@pytest.mark.parametrize("name", [*artifact.FILES, artifact.MANIFEST])
def test_missing_file_is_named(directory, name):
    (directory / name).unlink()
    with pytest.raises(ArtifactError, match=f"{name} is missing from"):
        verify(directory)


@pytest.mark.parametrize("name", artifact.FILES)
def test_truncated_file_is_named(directory, name):
    content = (directory / name).read_bytes()
    (directory / name).write_bytes(content[:-1])
    with pytest.raises(ArtifactError, match=rf"{name} has sha256 \w+, the manifest says \w+; the file was changed"):
        verify(directory)


@pytest.mark.parametrize("name", artifact.FILES)
def test_flipped_bit_is_named(directory, name):
    content = bytearray((directory / name).read_bytes())
    content[len(content) // 2] ^= 1
    (directory / name).write_bytes(content)
    with pytest.raises(ArtifactError, match=f"{name} has sha256"):
        verify(directory)


def test_newer_format_says_what_to_do(directory):
    change_manifest(directory, format_version=6)
    with pytest.raises(ArtifactError, match="has format 6, this release reads 5; retrain, or install the release"):
        verify(directory)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe"])
def test_manifest_that_is_no_json(directory, content):
    (directory / "manifest.json").write_bytes(content)
    with pytest.raises(ArtifactError, match=r"manifest\.json is not JSON"):
        verify(directory)


def test_json_that_is_no_manifest(directory):
    (directory / "manifest.json").write_text("[]")
    with pytest.raises(ArtifactError, match="no recommender's manifest"):
        verify(directory)


def test_manifest_without_an_entry_names_it(directory):
    path = directory / "manifest.json"
    values = json.loads(path.read_text())
    del values["eps"], values["d"]
    path.write_text(json.dumps(values))
    with pytest.raises(ArtifactError, match="lacks d, eps"):
        verify(directory)


def test_manifest_with_impossible_weights(directory):
    change_manifest(directory, weights={"table": 1.0, "table_eps": 0.0, "repeat": 1.0, "repeat_decay": 0.9})
    with pytest.raises(ArtifactError, match=r"manifest\.json is damaged: table_eps=0.0 must be above 0"):
        verify(directory)


def test_pickled_array_is_refused_even_with_a_right_checksum(directory):
    np.save(directory / artifact.BIAS, np.array([{"code": "would run"}], object), allow_pickle=True)
    sign(directory)
    with pytest.raises(ArtifactError, match=r"bias\.npy is not a plain numpy array"):
        verify(directory)


def test_array_of_another_shape_is_named(directory):
    np.save(directory / artifact.ITEM_MATRIX, np.zeros((3, 16), np.float32))
    sign(directory)
    with pytest.raises(ArtifactError, match=r"item_matrix\.npy is float32\(3, 16\), expected float32\(1021, 16\)"):
        verify(directory)


def test_array_of_another_type_is_named(directory):
    np.save(directory / artifact.POPULARITY, np.zeros(21))
    sign(directory)
    with pytest.raises(ArtifactError, match=r"popularity\.npy is float64"):
        verify(directory)


def test_table_rows_that_do_not_divide_the_entries(directory):
    indptr = np.load(directory / artifact.INDPTR)
    indptr[-1] += 1
    np.save(directory / artifact.INDPTR, indptr)
    sign(directory)
    with pytest.raises(ArtifactError, match="does not divide the 100 entries"):
        verify(directory)


def test_table_that_names_unknown_items(directory):
    indices = np.load(directory / artifact.INDICES)
    indices[0] = 21
    np.save(directory / artifact.INDICES, indices)
    sign(directory)
    with pytest.raises(ArtifactError, match=r"names items outside 1\.\.20"):
        verify(directory)


@pytest.mark.parametrize(("content", "message"), [("{}", "no list of product ids"), ('["a"]', "has 1 products")])
def test_vocabulary_that_does_not_fit(directory, content, message):
    (directory / artifact.VOCABULARY).write_text(content)
    sign(directory)
    with pytest.raises(ArtifactError, match=message):
        verify(directory)
