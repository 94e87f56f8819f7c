"""A shop's project in a folder, before this app comes to it, with it, and after it left. It has no Celery settings."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]

SETTINGS = """
import json

DATABASES = {"default": json.loads((BASE_DIR / "database.json").read_text())}
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS += ["goods"]
"""
URLS = """
from django.contrib import admin
from django.urls import path
from django.views.generic import TemplateView

urlpatterns = [
    path("", TemplateView.as_view(template_name="home.html")),
    path("admin/", admin.site.urls),
]
"""
MODELS = """
from django.conf import settings
from django.db import models


class Product(models.Model):
    name = models.CharField(max_length=100, db_index=True)

    def get_absolute_url(self):
        return f"/products/{self.pk}/"


class Order(models.Model):
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    products = models.ManyToManyField(Product)
"""
HOME = "<h1>Teas</h1>"
FILL = """
from django.contrib.auth.models import Group, Permission, User
from django.test import Client
from goods.models import Order, Product

Product.objects.bulk_create(Product(name=f"Tea no. {k}") for k in range(1, 41))
for name in ("anna", "boris", "clerk"):
    user = User.objects.create_user(name, is_staff=name == "clerk", is_superuser=name == "clerk")
    Order.objects.create(user=user).products.set(Product.objects.all()[:3])
Group.objects.create(name="staff").permissions.set(Permission.objects.filter(content_type__app_label="goods"))
Client().force_login(User.objects.get(username="anna"))
"""

# What the README says to add.
OUR_SETTINGS = """
INSTALLED_APPS += ["recommendations"]
MIDDLEWARE += ["recommendations.middleware.RecommendationsMiddleware"]
"""
OUR_URLS = """
from django.urls import include

urlpatterns += [path("recommendations/", include("recommendations.urls"))]
"""
OUR_CATALOG = """
from recommendations.catalog import Card, Catalog, register

from .models import Product


@register(Product)
class ProductCatalog(Catalog):
    def title(self, product):
        return product.name

    def card(self, product, request):
        return Card(self.product_id(product), product.name, product.get_absolute_url())
"""
OUR_TAGS = '{% load recommendations %}{% because_rows %}{% recommendations placement="home" limit=5 %}'


@dataclass(frozen=True)
class Project:
    """A project's folder."""

    folder: Path

    @classmethod
    def start(cls, folder: Path, database: dict[str, Any]) -> "Project":
        """The shop as it was before: tables, products, users, orders."""
        folder.mkdir()
        subprocess.run([sys.executable, "-m", "django", "startproject", "shop", folder], check=True)
        (folder / "goods" / "templates").mkdir(parents=True)
        (folder / "goods" / "__init__.py").touch()
        (folder / "goods" / "models.py").write_text(MODELS)
        (folder / "goods" / "templates" / "home.html").write_text(HOME)
        (folder / "shop" / "urls.py").write_text(URLS)
        project = cls(folder)
        project._add("shop/settings.py", SETTINGS)
        project._use(database)
        project.done("makemigrations", "goods")
        project.done("migrate")
        project.run(FILL)
        return project

    def copied_to(self, folder: Path, database: dict[str, Any]) -> "Project":
        """The same project over a copy of its database."""
        shutil.copytree(self.folder, folder)
        project = Project(folder)
        project._use(database)
        return project

    def add_our_lines(self) -> None:
        self._add("shop/settings.py", OUR_SETTINGS)
        self._add("shop/urls.py", OUR_URLS)
        self._add("goods/templates/home.html", OUR_TAGS)
        (self.folder / "goods" / "recommended_products.py").write_text(OUR_CATALOG)

    def remove_our_lines(self) -> None:
        self._cut("shop/settings.py", OUR_SETTINGS)
        self._cut("shop/urls.py", OUR_URLS)
        self._cut("goods/templates/home.html", OUR_TAGS)
        (self.folder / "goods" / "recommended_products.py").unlink()

    def manage(self, *arguments: str) -> subprocess.CompletedProcess:
        """`manage.py ...` in a process of its own, in whose environment nothing names a broker."""
        left_out = ("DJANGO", "PYTHON", "CELERY")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
        return subprocess.run(
            [sys.executable, "-W", "error::DeprecationWarning:recommendations", "manage.py", *arguments],
            cwd=self.folder,
            env={**environment, "PYTHONPATH": str(ROOT), "TMPDIR": str(self.folder)},
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )

    def done(self, *arguments: str) -> str:
        """What a command that must succeed printed."""
        ended = self.manage(*arguments)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    def run(self, code: str) -> str:
        """What Python code that must succeed printed."""
        return self.done("shell", "-c", code)

    def asked(self, code: str) -> Any:
        """The same, as JSON."""
        return json.loads(self.run(code).splitlines()[-1])

    def _use(self, database: dict[str, Any]) -> None:
        (self.folder / "database.json").write_text(json.dumps(database))

    def _add(self, name: str, text: str) -> None:
        with (self.folder / name).open("a") as opened:
            opened.write(text)

    def _cut(self, name: str, text: str) -> None:
        path = self.folder / name
        whole = path.read_text()
        assert text in whole
        path.write_text(whole.replace(text, ""))
