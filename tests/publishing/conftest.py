import pytest

from recommendations.catalog import sync_catalog
from recommendations.publishing import artifacts
from tests.shop.models import Book


@pytest.fixture
def books(db):
    made = Book.objects.bulk_create(Book(name=f"Book {k}", shelf=f"Shelf {k % 2}") for k in range(12))
    sync_catalog()
    return made


@pytest.fixture
def bucket(settings, tmp_path, monkeypatch):
    """Artifacts lie in a bucket, and this machine's copies in a folder of their own."""
    monkeypatch.setattr(artifacts, "gettempdir", lambda: str(tmp_path))
    options = {"location": tmp_path / "bucket"}
    settings.STORAGES = settings.STORAGES | {
        "recommendations": {"BACKEND": "tests.publishing.bucket.Bucket", "OPTIONS": options}
    }
    return tmp_path / "bucket"
