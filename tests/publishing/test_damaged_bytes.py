"""An artifact whose bytes are not what was uploaded is an ArtifactError, whatever is wrong with it; it never serves."""

import json
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from recommendations.ml.artifact import FILES, MANIFEST, ArtifactError, Manifest, read_manifest, write_manifest
from recommendations.models import RecommenderVersion
from recommendations.publishing import current_recommender, forget, publish
from recommendations.publishing.artifacts import get_storage, open_scorer
from tests.published import publish_made_artifact

pytestmark = pytest.mark.usefixtures("storage_of_its_own")
MANY = settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
FEW = settings(MANY, max_examples=30)
ALL = (*FILES, MANIFEST)
places = st.floats(0, 1, exclude_max=True)


def cut(path, place):
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * place)])


def flip(path, place):
    data = bytearray(path.read_bytes())
    data[int(len(data) * place)] ^= 1 << int(place * 1e6) % 8
    path.write_bytes(bytes(data))


def swap(path, place):
    other = path.with_name(ALL[int(len(ALL) * place)])
    if other == path or other.read_bytes() == path.read_bytes():
        cut(path, 0.5)
    else:
        path.write_bytes(other.read_bytes())


def lose(path, place):
    path.unlink()


def add(path, place):
    path.write_bytes(path.read_bytes() + b"\0" * (1 + int(100 * place)))


@pytest.fixture
def version(books):
    return publish_made_artifact()


@pytest.fixture
def directory(version):
    return Path(get_storage().path(version.artifact))


def again(directory, sound):
    """The directory as it was uploaded."""
    shutil.rmtree(directory)
    shutil.copytree(sound, directory)


@MANY
@given(damage=st.sampled_from([cut, flip, swap, lose, add]), name=st.sampled_from(ALL), place=places)
@example(damage=cut, name=MANIFEST, place=0.0)
@example(damage=flip, name=MANIFEST, place=0.999)
def test_no_changed_byte_is_ever_served_or_published(version, directory, damage, name, place):
    with TemporaryDirectory() as folder:
        sound = shutil.copytree(directory, Path(folder) / "sound")
        try:
            damage(directory / name, place)
            forget()
            with pytest.raises(ArtifactError):
                open_scorer(version)
            with pytest.raises(ArtifactError):
                publish(version)
            assert current_recommender() is None
        finally:
            again(directory, sound)
    forget()
    assert current_recommender().version == version.pk


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
entries = st.sampled_from(list(Manifest.__dataclass_fields__))


def sealed(version, directory, text):
    """As if a faulty release had uploaded this manifest."""
    from recommendations.publishing.artifacts import _sha256

    (directory / MANIFEST).write_text(text, encoding="utf-8")
    version.artifact_sha256 = _sha256(directory / MANIFEST)
    version.save(update_fields=["artifact_sha256"])
    return RecommenderVersion.objects.get(pk=version.pk)


@FEW
@given(name=entries, value=json_values)
@example(name="n", value=-1)
@example(name="n", value=10**30)
@example(name="files", value=[])
@example(name="format_version", value=5)
@example(name="weights", value={"table": "much"})
@example(name="trained_kinds", value=[10**30])
@example(name="trained_kinds", value=["view"])
@example(name="length", value="all")
def test_a_manifest_that_says_what_it_can_not_mean_is_an_artifact_error(version, directory, name, value):
    good = (directory / MANIFEST).read_text()
    try:
        open_scorer(sealed(version, directory, json.dumps({**json.loads(good), name: value})))
    except ArtifactError as error:
        assert str(error)
    finally:
        sealed(version, directory, good)


@FEW
@given(
    content=st.binary(max_size=40) | json_values.map(lambda value: json.dumps(value).encode()),
    name=st.sampled_from(FILES),
)
@example(content=b"[" * 100_000, name="vocabulary.json")
@example(content=b"{" * 100_000, name="query_words.json")
@example(content=b"\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2, 3)", name="bias.npy")
def test_a_file_of_nonsense_with_a_right_checksum_is_an_artifact_error(version, directory, content, name):
    if name.endswith((".onnx", ".npz")):
        return  # opened when the first list is made, see below
    with TemporaryDirectory() as folder:
        sound = shutil.copytree(directory, Path(folder) / "sound")
        try:
            (directory / name).write_bytes(content)
            write_manifest(directory, read_manifest(directory))
            changed = sealed(version, directory, (directory / MANIFEST).read_text())
            with pytest.raises(ArtifactError):
                open_scorer(changed)
        finally:
            again(directory, sound)


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"format_version": ' + "9" * 5_000 + "}", "\ufeff{}", '{"a":"\\ud800"}']
)
def test_a_manifest_that_is_hard_to_read_is_an_artifact_error(version, directory, text):
    with pytest.raises(ArtifactError):
        open_scorer(sealed(version, directory, text))
