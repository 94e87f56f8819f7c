"""The files in the wheel and the sdist, and what their metadata says."""

import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest
from packaging.metadata import Metadata

ROOT = Path(__file__).parents[2]
KINDS = {".py", ".html", ".txt", ".css", ".js", ".svg", ".po", ".mo", ".typed"}
BESIDE_THE_APP = {"LICENSE", "MANIFEST.in", "PKG-INFO", "README.md", "pyproject.toml", "setup.cfg"}


@pytest.fixture(scope="module")
def of_the_app():
    """The app's files as git has them."""
    listed = subprocess.run(
        ["git", "ls-files", "recommendations"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(listed.stdout.splitlines())


@pytest.fixture(scope="module")
def metadata(wheel):
    with zipfile.ZipFile(wheel) as opened:
        (name,) = (name for name in opened.namelist() if name.endswith(".dist-info/METADATA"))
        return Metadata.from_email(opened.read(name), validate=True)


def test_the_app_holds_no_file_of_another_kind(of_the_app):
    assert {Path(name).suffix for name in of_the_app} <= KINDS
    assert not [name for name in of_the_app if "test" in Path(name).name]


def test_the_wheel_holds_the_app_and_nothing_else(wheel, of_the_app):
    with zipfile.ZipFile(wheel) as opened:
        names = {name for name in opened.namelist() if ".dist-info/" not in name}
    assert names == of_the_app
    assert names >= {
        "recommendations/migrations/0001_initial.py",
        "recommendations/py.typed",
        "recommendations/static/recommendations/beacon.js",
        "recommendations/templates/recommendations/list.html",
    }


def test_the_sdist_holds_the_app_and_what_builds_it(sdist, of_the_app):
    with tarfile.open(sdist) as opened:
        names = {member.name.partition("/")[2] for member in opened.getmembers() if member.isfile()}
    beside = {name for name in names - of_the_app if not name.startswith("django_because.egg-info/")}
    assert beside == BESIDE_THE_APP
    assert of_the_app <= names


def test_the_metadata_is_valid_and_names_what_pip_and_people_read(metadata):
    assert (metadata.name, metadata.license_expression) == ("django-because", "BSD-3-Clause")
    assert metadata.description_content_type == "text/markdown"
    assert metadata.description == (ROOT / "README.md").read_text()
    assert str(metadata.requires_python) == ">=3.11"


def test_torch_comes_with_training_alone(metadata):
    of_the_extra = {wanted.name for wanted in metadata.requires_dist if "training" in str(wanted.marker)}
    always = {wanted.name for wanted in metadata.requires_dist if wanted.marker is None}
    assert "torch" in of_the_extra
    assert always == {"Django", "djangorestframework", "celery", "numpy", "onnxruntime", "crawler-user-agents"}
