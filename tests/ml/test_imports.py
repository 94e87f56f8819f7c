import subprocess
import sys

import pytest

IMPORT_ALL = """
import importlib, pkgutil, sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {blocked}:
            raise ImportError(f"{{name}} is blocked")

sys.meta_path.insert(0, Blocked())
import {package} as package
for module in pkgutil.iter_modules(package.__path__):
    if module.name != "training":
        importlib.import_module(f"{package}.{{module.name}}")
print("imported")
"""


def import_all(package, blocked):
    """Import every module of a package in a fresh interpreter in which some libraries do not exist."""
    code = IMPORT_ALL.format(package=package, blocked=blocked)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


def test_the_core_needs_numpy_and_onnxruntime_only():
    blocked = {"django", "celery", "rest_framework", "torch", "onnx", "scipy", "sklearn", "pandas"}
    done = import_all("recommendations.ml", blocked)
    assert done.stdout == "imported\n", done.stderr


@pytest.mark.training
def test_training_needs_no_framework():
    done = import_all("recommendations.ml.training", {"django", "celery", "rest_framework"})
    assert done.stdout == "imported\n", done.stderr
