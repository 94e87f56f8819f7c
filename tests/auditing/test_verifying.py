"""One list verified at once: by the version's own files, and only where there is something to verify."""

import shutil

import pytest
from django.utils import timezone

from recommendations.auditing.verifying import verify_list
from recommendations.ml.artifact import BIAS, ArtifactError
from recommendations.models import Interaction, Product, Shopper
from recommendations.publishing import current_recommender
from recommendations.serving import RecommendationQuery, recommend
from tests.published import publish_made_artifact
from tests.retraining.made_shop import make_shop


@pytest.fixture
def query(db):
    make_shop(books=40, shoppers=1, events=1)
    Interaction.objects.all().delete()
    publish_made_artifact()
    shopper = Shopper.objects.create()
    for age, product in enumerate(Product.objects.order_by("pk")[:3]):
        Interaction.objects.create(
            shopper=shopper, product=product, kind=1, source=2, event_key=age, occurred_at=timezone.now()
        )
    return RecommendationQuery("home", shopper, limit=5)


def test_every_causal_reason_is_verified(query):
    served = recommend(query)
    found = verify_list(current_recommender(), query, served)
    causal = [entry for entry in served.recommendations if entry.reason.kind == "because"]
    assert [verdict.product_id for verdict in found.verdicts] == [entry.card.product_id for entry in causal] != []
    assert [verdict.reason for verdict in found.verdicts] == [entry.reason.text for entry in causal]
    assert found.false == 0


def test_files_that_were_changed_are_no_reference(query, tmp_path):
    loaded, served = current_recommender(), recommend(query)
    copy = tmp_path / "copy"
    shutil.copytree(loaded.scorer.directory, copy)
    with (copy / BIAS).open("ab") as file:
        file.write(b"x")
    loaded.scorer.directory = copy
    with pytest.raises(ArtifactError, match=f"{BIAS} has sha256"):
        verify_list(loaded, query, served)


def test_a_list_without_causes_costs_nothing(query, django_assert_num_queries):
    stranger = RecommendationQuery("home", None, limit=5)
    served = recommend(stranger)
    with django_assert_num_queries(0):
        assert verify_list(current_recommender(), stranger, served).verdicts == ()
