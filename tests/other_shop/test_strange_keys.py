"""Keys with slashes, quotes and letters of any script, through every door."""

import json
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.template import Context, Template
from django.urls import reverse
from django.utils import timezone

from recommendations.catalog import product_id_of
from recommendations.models import Interaction, RemovedProduct
from tests.api.conftest import OWN_PAGE, URL
from tests.other_shop.made import STRANGE, articles, both, visitor  # noqa: F401
from tests.serving.conftest import books  # noqa: F401


@pytest.fixture(params=STRANGE)
def article(request, articles):  # noqa: F811
    return next(article for article in articles if article.slug == request.param)


def send(client, **event):
    return client.post(
        f"{URL}interactions/", json.dumps(event, ensure_ascii=False), content_type="text/plain", headers=OWN_PAGE
    )


def test_the_page_says_the_key_and_the_browser_sends_it(both, visitor, client, article):  # noqa: F811
    page = Template("{% load recommendations %}{{ article|recommendations_id }}").render(Context({"article": article}))
    assert page.replace("&amp;", "&").replace("&quot;", '"').replace("&#x27;", "'") == f"article:{article.slug}"
    assert send(client, kind="view", product=product_id_of(article)).json() == {"accepted": 1, "duplicates": 0}
    assert Interaction.objects.get().product.title == article.title


def test_lists_about_it_are_made_and_named(both, client, article):  # noqa: F811
    answer = client.get(f"{URL}lists/", {"placement": "similar", "product": product_id_of(article), "limit": 5})
    assert len(answer.json()["recommendations"]) == 5


def test_it_is_remembered_removed_and_restored_by_forms_and_rest(both, visitor, client, article):  # noqa: F811
    product_id = product_id_of(article)
    send(client, kind="view", product=product_id)
    assert article.title in client.get(f"{URL}history/").json()["history"][0]["title"]
    client.post(reverse("recommendations:forget"), {"product": product_id})
    assert RemovedProduct.objects.get().product.product_id == product_id
    client.post(reverse("recommendations:undo"), {"product": product_id})
    assert not RemovedProduct.objects.exists()


def test_it_is_imported(both, tmp_path, article, capsys):  # noqa: F811
    file = tmp_path / "views.csv"
    slug = product_id_of(article).replace('"', '""')
    seen_at = (timezone.now() - timedelta(days=90)).isoformat()
    file.write_text(f'shopper,product,kind,occurred_at\nanna,"{slug}",view,{seen_at}\n', encoding="utf-8")
    call_command("import_interactions", str(file))
    assert Interaction.objects.get().product.product_id == product_id_of(article)
