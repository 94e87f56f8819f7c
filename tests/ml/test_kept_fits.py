"""What is kept of a version's fits comes back as it was, and an artifact is whole without it."""

import io
from dataclasses import replace

import numpy as np
import pytest

from recommendations.ml.artifact import (
    KEPT_FITS,
    VOCABULARY,
    WEIGHTS,
    ArtifactError,
    read_manifest,
    verify,
    write_manifest,
)
from recommendations.ml.kept_fits import read_kept_fits, write_weights
from tests.ml.made_artifact import make_artifact

NUMBERS = {
    "judged": {"until": 1_000, "interactions": 99},
    "final": {"until": 1_200, "interactions": 110},
    "mix": {"power": 0.5},
    "warm_starts": 2,
}


@pytest.fixture
def directory(tmp_path):
    make_artifact(tmp_path, product_ids=["b", "a"])
    write_weights(tmp_path, {"bias": np.array([0, 1, 2], np.float32)}, np.array([0, 5, 6], np.float32))
    sign(tmp_path)
    return tmp_path


def sign(directory, numbers=NUMBERS):
    manifest = read_manifest(directory)
    write_manifest(directory, replace(manifest, settings=manifest.settings | {"kept_fits": numbers}))


def test_it_comes_back(directory):
    fits = read_kept_fits(directory, version=7)
    assert (fits.version, fits.vocabulary.product_ids) == (7, ["b", "a"])
    assert (fits.judged.until, fits.judged.interactions) == (1_000, 99)
    assert (fits.final.until, fits.final.interactions) == (1_200, 110)
    assert (fits.mix, fits.warm_starts, fits.network["width"]) == ({"power": 0.5}, 2, 16)
    assert set(fits.judged.weights) == {"bias"}
    assert fits.judged.weights["bias"].tolist() == [0, 1, 2]
    with np.load(directory / WEIGHTS) as served:
        assert (fits.final.weights["item_matrix"] == served["item_matrix"]).all()
    assert fits.final.weights["bias"].tolist() == [0, 5, 6]  # what is recent was not added yet


def test_an_artifact_of_an_earlier_release_kept_none(tmp_path):
    make_artifact(tmp_path)
    with pytest.raises(ArtifactError, match=r"version 3 kept no kept_fits\.npz"):
        read_kept_fits(tmp_path, version=3)


def test_serving_does_without_it(directory):
    (directory / KEPT_FITS).unlink()
    assert verify(directory).n == 2
    with pytest.raises(ArtifactError, match=r"kept_fits\.npz is missing from"):
        read_kept_fits(directory, version=1)


@pytest.mark.parametrize("name", [KEPT_FITS, VOCABULARY, WEIGHTS])
def test_a_flipped_bit_is_named(directory, name):
    content = bytearray((directory / name).read_bytes())
    content[len(content) // 2] ^= 1
    (directory / name).write_bytes(content)
    with pytest.raises(ArtifactError, match=f"{name} has sha256"):
        read_kept_fits(directory, version=1)


def test_signed_nonsense_is_no_fit(directory):
    stream = io.BytesIO()
    np.savez(stream, bias=np.array([{"code": "would run"}], object))
    for content in (b"no zip", b"", stream.getvalue()):
        (directory / KEPT_FITS).write_bytes(content)
        sign(directory)
        with pytest.raises(ArtifactError, match=r"kept_fits\.npz of version 1 can't be read"):
            read_kept_fits(directory, version=1)


def test_numbers_that_are_missing_are_told(directory):
    sign(directory, NUMBERS | {"final": {"until": 1}})
    with pytest.raises(ArtifactError, match=r"can't be read: .*interactions"):
        read_kept_fits(directory, version=1)
