"""What a shop installs: the wheel's files, imports that go down only, and web processes that never load torch."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OF_THE_PACKAGE = (".py", ".html", ".txt", ".css", ".js", ".po", ".mo", ".typed")


def run(*command, **environment):
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "PYTHONPATH": str(ROOT), **environment}
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Names in the wheel, built from a copy as git has it, so that build folders of other tools don't count."""
    copy = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        (copy / name).write_bytes((ROOT / name).read_bytes())
    for folder in ("recommendations", "shopdemo", "tests"):
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and path.suffix != ".pyc":
                target = copy / path.relative_to(ROOT)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(path.read_bytes())
    build = "from setuptools.build_meta import build_wheel; print(build_wheel('dist'))"
    built = subprocess.run([sys.executable, "-c", build], cwd=copy, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    with zipfile.ZipFile(next((copy / "dist").glob("*.whl"))) as opened:
        return opened.namelist()


def test_the_wheel_holds_the_app_and_nothing_else(wheel):
    top = {name.split("/")[0] for name in wheel}
    assert {name for name in top if not name.endswith(".dist-info")} == {"recommendations"}
    assert not [name for name in wheel if "/tests/" in name or name.endswith((".pyc", ".ipynb", ".sqlite3", ".npz"))]


def test_the_wheel_holds_every_file_of_the_app(wheel):
    files = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "recommendations").rglob("*")
        if path.is_file() and path.suffix in OF_THE_PACKAGE and path.name != "SPLIT.txt"
    }
    assert files <= set(wheel)
    assert "recommendations/templates/recommendations/list.html" in files
    assert "recommendations/static/recommendations/beacon.js" in files
    assert "recommendations/py.typed" in files


WEB_PROCESS = """
import sys
import django
django.setup()
from django.core.management import call_command
from django.template import Context, Template
from django.test import RequestFactory, Client
call_command("migrate", run_syncdb=True, verbosity=0)
from recommendations.catalog import sync_catalog
from recommendations.ml.kinds import Kind
from recommendations.models import Interaction, Product, RecommenderVersion, Shopper
from recommendations.publishing import publish, upload
from recommendations.models.shopper import hash_key
from tests.shop.models import Book
Book.objects.bulk_create(Book(name=f"Book {k}") for k in range(1, 31))
sync_catalog()
version = RecommenderVersion.objects.create()
upload(version, sys.argv[1])
publish(version)
shopper = Shopper.objects.create(key_hash=hash_key("key"))
for age, product in enumerate(Product.objects.all()[:3]):
    Interaction.objects.create(shopper=shopper, product=product, kind=Kind.VIEW, source=1, event_key=age)
request = RequestFactory().get("/")
request.COOKIES["recommendations_shopper"] = "key"
page = '{% load recommendations %}{% recommendations placement="home" limit=10 %}{% because_rows %}'
html = Template(page).render(Context({"request": request}))
assert "Because" in html, html
import recommendations.urls, recommendations.admin, recommendations.tasks
assert Client().get("/recommendations/v1/lists/?placement=home").status_code == 200
call_command("check")
loaded = sorted({name.split(".")[0] for name in sys.modules} & {"torch", "onnx", "onnxscript", "scipy", "sklearn"})
assert not loaded, loaded
print("never loaded")
"""


def test_a_web_process_never_loads_torch(tmp_path):
    from tests.ml.made_artifact import make_artifact

    make_artifact(tmp_path, product_ids=[str(k) for k in range(1, 31)])
    done = run(sys.executable, "-c", WEB_PROCESS, str(tmp_path), DATABASE_URL="sqlite://:memory:", TMPDIR=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "never loaded"


WITHOUT_DJANGO = """
import importlib, pkgutil, sys
for name in ("django", "celery", "rest_framework", "torch"):
    sys.modules[name] = None
import recommendations.ml
names = [found.name for found in pkgutil.iter_modules(recommendations.ml.__path__, "recommendations.ml.")]
for name in names:
    if name != "recommendations.ml.training":
        importlib.import_module(name)
print(len(names))
"""


def test_the_core_imports_without_django_and_torch():
    done = run(sys.executable, "-c", WITHOUT_DJANGO)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 5


def test_imports_go_down_only():
    linter = Path(sys.executable).parent / "lint-imports"
    done = run(str(linter), "--no-cache")
    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout


def test_every_dependency_says_why_it_is_needed():
    text = (ROOT / "pyproject.toml").read_text()
    lines = [line.strip() for line in text.split("[project.optional-dependencies]")[1].split("[build")[0].splitlines()]
    wanted = [line for line in lines if line.startswith('"') and ">=" in line and "::" not in line]
    assert wanted
    assert [line for line in wanted if " # " not in line] == []
