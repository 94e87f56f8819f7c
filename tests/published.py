"""A published recommender of random weights over the products that the mirror holds."""

from tempfile import TemporaryDirectory
from typing import Any

from recommendations.models import Product, RecommenderVersion
from recommendations.publishing import forget, publish, upload
from tests.ml.made_artifact import make_artifact


def publish_made_artifact(**options: Any) -> RecommenderVersion:
    """Train nothing, publish a complete random artifact; `options` go to make_artifact."""
    product_ids = list(Product.objects.order_by("pk").values_list("product_id", flat=True))
    version = RecommenderVersion.objects.create(status="training")
    with TemporaryDirectory() as directory:
        make_artifact(directory, product_ids=product_ids, **options)
        upload(version, directory)
    publish(version)
    forget()
    return version
