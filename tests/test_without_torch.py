"""What tests/conftest.py leaves out where torch is not installed is what needs it, no more and no less."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import NEED_TORCH
from tests.ml import made_encoders

TESTS = Path(__file__).parent
# Not run without torch as a whole: see `make matrix`.
ELSEWHERE = ("browser", "oscar", "package", "services", "shopdemo")

IMPORT_EACH = """
import importlib, sys
for name in ("torch", "onnx", "scipy", "sklearn", "threadpoolctl"):
    sys.modules[name] = None
import django
django.setup()
for path in sys.argv[1:]:
    try:
        importlib.import_module("tests." + path.removesuffix(".py").replace("/", "."))
    except ModuleNotFoundError:
        print(path)
"""


def test_the_modules_left_out_are_those_that_need_torch():
    paths = [str(path.relative_to(TESTS)) for path in TESTS.rglob("test_*.py")]
    paths = [path for path in paths if not path.startswith(ELSEWHERE)]
    command = [sys.executable, "-c", IMPORT_EACH, *paths]
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings_other"}
    done = subprocess.run(command, cwd=TESTS.parent, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert sorted(done.stdout.split()) == NEED_TORCH


def test_encoders_that_were_not_written_are_named(monkeypatch, tmp_path):
    made_encoders.made_encoder.cache_clear()
    monkeypatch.setenv(made_encoders.FOLDER, str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"16-0 is missing; write it with `python -m tests\.ml\.made_encoders"):
        made_encoders.made_encoder(16, 0)
    with pytest.raises(ValueError, match=r"add \(7, 0\) to MADE"):
        made_encoders.made_encoder(7, 0)


def test_without_torch_and_folder_the_way_out_is_named(monkeypatch):
    made_encoders.made_encoder.cache_clear()
    monkeypatch.delenv(made_encoders.FOLDER, raising=False)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ModuleNotFoundError, match=r"torch is not installed and MADE_ENCODERS is not set"):
        made_encoders.made_encoder(16, 0)


@pytest.mark.training
def test_encoders_read_are_encoders_written(monkeypatch, tmp_path):
    monkeypatch.setattr(made_encoders, "MADE", [(16, 0)])
    made_encoders.write_encoders(tmp_path)
    made_encoders.made_encoder.cache_clear()
    monkeypatch.delenv(made_encoders.FOLDER, raising=False)
    written = made_encoders.made_encoder(16, 0)
    made_encoders.made_encoder.cache_clear()
    monkeypatch.setenv(made_encoders.FOLDER, str(tmp_path))
    read = made_encoders.made_encoder(16, 0)
    assert (read.graph, read.libraries) == (written.graph, written.libraries)
    assert {name: array.tolist() for name, array in read.weights.items()} == {
        name: array.tolist() for name, array in written.weights.items()
    }
