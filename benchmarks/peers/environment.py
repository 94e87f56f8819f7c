"""The environment that peers run in: made on first use, from requirements.txt, outside of ours."""

import os
import shutil
import subprocess
import sys
import venv
from hashlib import sha256
from pathlib import Path

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
NEEDED_GB = 3


def cache() -> Path:
    """Where environments are kept: $XDG_CACHE_HOME/django-because, by default in ~/.cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "django-because"


def python_of_peers(folder: Path | None = None) -> Path:
    """The interpreter of the peers' environment in `folder` (by default cache()), which is made if it is not there.

    Its name tells the Python and the requirements it was made for: others mean another environment. One that was not
    finished is made anew. Raises OSError when the disk has no room for it.
    """
    made_for = f"{sys.version_info[:2]}\n{REQUIREMENTS.read_text()}"
    home = (folder or cache()) / f"peers-{sha256(made_for.encode()).hexdigest()[:12]}"
    python, finished = home / "bin" / "python", home / "finished"
    if finished.exists():
        return python
    home.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(home).free / 1e9
    if free < NEEDED_GB:
        raise OSError(f"{home}: {free:.1f} GB free, the peers' environment needs {NEEDED_GB}")
    print(f"Installing the peers into {home}", file=sys.stderr)
    venv.create(home, clear=True, with_pip=True)
    subprocess.run([python, "-m", "pip", "install", "--quiet", "-r", REQUIREMENTS], check=True, stdout=sys.stderr)
    finished.touch()
    return python
