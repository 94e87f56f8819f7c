"""`django-admin startproject`, an app with a product model, and the lines that the README says to add."""

import csv
import json
import os
import random
import re
import shutil
import subprocess
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from textwrap import dedent
from typing import Any

from tests.retraining.made_shop import QUICK

ROOT = Path(__file__).parents[2]

SETTINGS = """
INSTALLED_APPS += ["goods", "recommendations"]
MIDDLEWARE += ["recommendations.middleware.RecommendationsMiddleware"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    "recommendations": {"BACKEND": "goods.bucket.Bucket", "OPTIONS": {"location": BASE_DIR / "bucket"}},
}
"""
URLS = """
from django.contrib import admin
from django.urls import include, path
from django.views.generic import TemplateView

urlpatterns = [
    path("", TemplateView.as_view(template_name="home.html")),
    path("admin/", admin.site.urls),
    path("recommendations/", include("recommendations.urls")),
]
"""
MODELS = """
from django.db import models


class Product(models.Model):
    name = models.CharField(max_length=100)
    department = models.CharField(max_length=100)
    category = models.CharField(max_length=100)
    price = models.DecimalField(max_digits=8, decimal_places=2)
    stock = models.PositiveIntegerField()

    def get_absolute_url(self):
        return f"/products/{self.pk}/"
"""
HOME = '{% load recommendations %}{% because_rows %}{% recommendations placement="home" limit=5 %}'
FILL = """
from goods.models import Product

Product.objects.bulk_create(
    Product(name=f"Tea no. {k}", department="Food", category="Tea", price=k, stock=1) for k in range(1, 41)
)
"""
VISIT = """
import json

from django.test import Client

headers = {"user-agent": "Mozilla/5.0 Firefox/150.0", "sec-fetch-site": "same-origin"}
visitor = Client(SERVER_NAME="localhost", headers=headers)
views = [{"kind": "view", "product": str(product)} for product in (1, 2, 3)]
sent = visitor.post("/recommendations/v1/interactions/", views, content_type="application/json")
listed = visitor.get("/recommendations/v1/lists/?placement=home&limit=5").json()
page = visitor.get("/")
print(json.dumps({"sent": sent.status_code, "page": page.content.decode(), **listed}))
"""


@dataclass(frozen=True)
class NewProject:
    """A project in a folder, and the Python that runs its web processes."""

    folder: Path
    python: Path

    def manage(self, *arguments: str, python: Path | None = None) -> subprocess.CompletedProcess:
        """`manage.py ...` in a process of its own, by another Python if given."""
        temporary = self.folder / "tmp"
        temporary.mkdir(exist_ok=True)
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("DJANGO", "PYTHON"))}
        return subprocess.run(
            [python or self.python, "manage.py", *arguments],
            cwd=self.folder,
            env={**environment, "TMPDIR": str(temporary)},
            capture_output=True,
            text=True,
            check=False,
        )

    def done(self, *arguments: str, python: Path | None = None) -> str:
        """What a command that must succeed printed."""
        ended = self.manage(*arguments, python=python)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    def visit(self) -> tuple[dict[str, Any], str]:
        """A new visitor looks at three products and at the home page: what came back, and what was logged."""
        ended = self.manage("shell", "--no-imports", "-c", VISIT)
        assert ended.returncode == 0, ended.stderr
        return json.loads(ended.stdout), ended.stderr

    def copied_to(self, folder: Path) -> "NewProject":
        shutil.copytree(self.folder, folder)
        return replace(self, folder=folder)

    @property
    def bucket(self) -> Path:
        """The one artifact's folder in the bucket."""
        (artifact,) = (self.folder / "bucket").iterdir()
        return artifact


def make_project(folder: Path, serves: Path, trains: Path) -> NewProject:
    """A project that `serves` runs and that has a published version, which `trains` made over the same database."""
    project = NewProject(folder, serves)
    subprocess.run([serves, "-m", "django", "startproject", "shop", folder], check=True)
    project.done("startapp", "goods")
    with (folder / "shop" / "settings.py").open("a") as settings:
        settings.write(SETTINGS)
    (folder / "shop" / "urls.py").write_text(URLS)
    (folder / "goods" / "models.py").write_text(MODELS)
    (folder / "goods" / "recommended_products.py").write_text(catalog_of_the_readme())
    shutil.copy(ROOT / "tests" / "publishing" / "bucket.py", folder / "goods" / "bucket.py")
    (folder / "goods" / "templates").mkdir()
    (folder / "goods" / "templates" / "home.html").write_text(HOME)
    project.done("makemigrations", "goods")
    project.done("migrate")
    project.done("shell", "--no-imports", "-c", FILL)
    project.done("sync_catalog")
    write_orders(folder / "orders.csv")
    project.done("import_interactions", "orders.csv")
    project.done("retrain_recommender", "--settings-json", json.dumps(QUICK), python=trains)
    shutil.rmtree(folder / "tmp")
    return project


def catalog_of_the_readme() -> str:
    """The README's recommended_products.py."""
    blocks = re.findall(r"^( *)```python\n(.*?)^\1```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    (block,) = (dedent(code) for _, code in blocks if "@register(Product)" in code)
    return block


def write_orders(path: Path) -> None:
    """Sixty shoppers, each of whom buys one tea after the other, and sometimes any."""
    draw = random.Random(0)
    begin = datetime.now(UTC) - timedelta(days=60)
    with path.open("w", newline="") as opened:
        rows = csv.writer(opened)
        rows.writerow(["shopper", "occurred_at", "product"])
        for shopper in range(60):
            for age in range(10):
                at = begin + timedelta(days=5 * age, minutes=shopper)
                tea = (shopper + age) % 40 + 1 if draw.random() < 0.8 else draw.randint(1, 40)
                rows.writerow([f"shopper {shopper}", at.isoformat(timespec="seconds"), tea])
