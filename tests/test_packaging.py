"""What the package asks of an environment: web processes never load torch, and each dependency has its reason."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def run(*command, **environment):
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "PYTHONPATH": str(ROOT), **environment}
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120, check=False)


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
loaded = sorted({name.split(".")[0] for name in sys.modules} & {"torch", "onnx", "scipy", "sklearn"})
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


def test_every_dependency_says_why_it_is_needed():
    text = (ROOT / "pyproject.toml").read_text()
    lines = [line.strip() for line in text.split("[project.optional-dependencies]")[1].split("[build")[0].splitlines()]
    wanted = [line for line in lines if line.startswith('"') and ">=" in line and "::" not in line]
    assert wanted
    assert [line for line in wanted if " # " not in line] == []


def test_no_merge_was_left_half_done():
    marks = ["-e", "^<<<<<<< ", "-e", "^>>>>>>> "]
    assert run("git", "grep", "-n", *marks).stdout == ""
