"""What `make wheel` built, and an empty environment that it was installed into."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.package.new_project import NewProject, make_project

ROOT = Path(__file__).parents[2]


def built(pattern):
    found = list((ROOT / "dist").glob(pattern))
    assert len(found) == 1, f"dist/{pattern} is {found}: expected one file; run `make wheel`"
    return found[0]


@pytest.fixture(scope="session")
def wheel():
    return built("*.whl")


@pytest.fixture(scope="session")
def sdist():
    return built("*.tar.gz")


@pytest.fixture(scope="session")
def serve_only(tmp_path_factory, wheel):
    """The Python of an environment that holds the wheel and what it depends on, without any extra."""
    folder = tmp_path_factory.mktemp("serve-only")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = folder / "bin" / "python"
    install = [python, "-m", "pip", "install", "--quiet", "--constraint", ROOT / "constraints.txt", wheel]
    subprocess.run(install, check=True, env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"})
    return python


@pytest.fixture(scope="session")
def published(serve_only, tmp_path_factory):
    """A project whose worker, in the environment with torch, trained and published into a bucket."""
    return make_project(tmp_path_factory.mktemp("published"), serve_only, trains=Path(sys.executable))


@pytest.fixture
def project(published, tmp_path) -> NewProject:
    """A copy of that project, with a database, a bucket and a temporary folder of its own."""
    return published.copied_to(tmp_path / "project")
