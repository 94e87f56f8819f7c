"""What is kept of a judged fit comes back as it was, and an artifact is whole without it."""

import io
from dataclasses import replace

import numpy as np
import pytest

from recommendations.ml.artifact import (
    JUDGED_FIT,
    VOCABULARY,
    ArtifactError,
    read_manifest,
    verify,
    write_manifest,
)
from recommendations.ml.judged_fit import read_judged_fit, write_weights
from tests.ml.made_artifact import make_artifact

NUMBERS = {"cutoff": 1_000, "interactions": 99, "mix": {"power": 0.5}, "warm_starts": 2}


@pytest.fixture
def directory(tmp_path):
    make_artifact(tmp_path, product_ids=["b", "a"])
    write_weights(tmp_path, {"bias": np.array([0, 1, 2], np.float32)})
    sign(tmp_path)
    return tmp_path


def sign(directory, numbers=NUMBERS):
    manifest = read_manifest(directory)
    write_manifest(directory, replace(manifest, settings=manifest.settings | {"judged_fit": numbers}))


def test_it_comes_back(directory):
    fit = read_judged_fit(directory, version=7)
    assert (fit.version, fit.vocabulary.product_ids) == (7, ["b", "a"])
    assert (fit.cutoff, fit.interactions, fit.mix, fit.warm_starts) == (1_000, 99, {"power": 0.5}, 2)
    assert fit.weights["bias"].tolist() == [0, 1, 2]
    assert fit.network["width"] == 16


def test_an_artifact_of_an_earlier_release_kept_none(tmp_path):
    make_artifact(tmp_path)
    with pytest.raises(ArtifactError, match=r"version 3 kept no judged_fit\.npz"):
        read_judged_fit(tmp_path, version=3)


def test_serving_does_without_it(directory):
    (directory / JUDGED_FIT).unlink()
    assert verify(directory).n == 2
    with pytest.raises(ArtifactError, match=r"judged_fit\.npz is missing from"):
        read_judged_fit(directory, version=1)


@pytest.mark.parametrize("name", [JUDGED_FIT, VOCABULARY])
def test_a_flipped_bit_is_named(directory, name):
    content = bytearray((directory / name).read_bytes())
    content[len(content) // 2] ^= 1
    (directory / name).write_bytes(content)
    with pytest.raises(ArtifactError, match=f"{name} has sha256"):
        read_judged_fit(directory, version=1)


def test_signed_nonsense_is_no_fit(directory):
    stream = io.BytesIO()
    np.savez(stream, bias=np.array([{"code": "would run"}], object))
    for content in (b"no zip", b"", stream.getvalue()):
        (directory / JUDGED_FIT).write_bytes(content)
        sign(directory)
        with pytest.raises(ArtifactError, match=r"judged_fit\.npz of version 1 can't be read"):
            read_judged_fit(directory, version=1)


def test_numbers_that_are_missing_are_told(directory):
    sign(directory, {"cutoff": 1})
    with pytest.raises(ArtifactError, match=r"can't be read: .*interactions"):
        read_judged_fit(directory, version=1)
