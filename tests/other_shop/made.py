"""Articles beside the books, mirrored, and known to a published recommender."""

import pytest

from recommendations.catalog import sync_catalog
from recommendations.models import Shopper
from recommendations.models.shopper import hash_key
from tests.other_shop.models import Article
from tests.published import publish_made_artifact

# As editors write them: a slash, spaces, characters that URLs and JSON escape, and what looks like another prefix.
STRANGE = ("tee/grün & weiß", "茶/緑", "100 % cocoa?", "book:7", "a\"quote's #1", "☕")


@pytest.fixture
def articles(db):
    slugs = [*STRANGE, *(f"story-{k}" for k in range(1, 31))]
    return Article.objects.bulk_create(Article(slug=slug, title=f"About {slug}") for slug in slugs)


@pytest.fixture
def both(books, articles):
    """A published recommender over sixty books and thirty-six articles."""
    sync_catalog()
    return publish_made_artifact()


@pytest.fixture
def visitor(db, client):
    client.cookies["recommendations_shopper"] = "key"
    return Shopper.objects.create(key_hash=hash_key("key"))
