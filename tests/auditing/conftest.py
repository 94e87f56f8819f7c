"""A shop of twelve books, whose scores add up by hand."""

from datetime import timedelta
from types import SimpleNamespace

import numpy as np
import pytest
from django.utils import timezone

from recommendations.ml.kinds import Kind
from recommendations.ml.text import build_index
from recommendations.ml.vocabulary import Vocabulary
from recommendations.models import Interaction, Product, ProductPopularity, Shopper
from tests.published import publish_made_artifact
from tests.retraining.made_shop import make_shop

BOOKS = 12


SEARCHES = 2  # of one shopper, at most


class Affinities:
    """f(i; H) is the sum over H of how much each of its items and searches speaks for i; words are product_ids."""

    def __init__(self, product_ids):
        self.vocabulary = Vocabulary(product_ids)
        self.query_index = build_index(product_ids)
        self.manifest = SimpleNamespace(eps=0.01)
        self.speaks = np.zeros((len(product_ids) + 1 + SEARCHES, len(product_ids) + 1), np.float32)
        self.rule = lambda items: 0.0  # what is added for the last item
        self.base = -0.1 * np.arange(len(product_ids) + 1, dtype=np.float32)

    def scores(self, history):
        scores = self.base + self.speaks[history.items].sum(axis=0)
        scores[-1] += self.rule(history.items.tolist())
        scores[0] = -np.inf
        return scores


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def scorer(db):
    make_shop(books=BOOKS, shoppers=1, events=1)
    Interaction.objects.all().delete()
    return Affinities(product_ids())


def product_ids():
    return list(Product.objects.order_by("pk").values_list("product_id", flat=True))


def shopper_who(now, *events):
    """A shopper with (item number, kind) events, a minute apart, oldest first; a search is for the item's id."""
    shopper = Shopper.objects.create()
    rows = list(Product.objects.order_by("pk"))
    for age, (item, kind) in enumerate(events):
        is_search = kind == Kind.SEARCH
        Interaction.objects.create(
            shopper=shopper,
            product=None if is_search else rows[item - 1],
            query=rows[item - 1].product_id if is_search else "",
            kind=kind,
            source=Interaction.Source.SERVER,
            occurred_at=now - timedelta(minutes=len(events) - age),
            event_key=age,
        )
    return shopper


def search_for(shopper, *queries):
    """The shopper's newest events, oldest first."""
    for age, query in enumerate(queries):
        Interaction.objects.create(
            shopper=shopper,
            query=query,
            kind=Kind.SEARCH,
            source=Interaction.Source.SERVER,
            occurred_at=timezone.now() - timedelta(minutes=len(queries) - age),
            event_key=1_000 + age,
        )


def popularity(now, counts):
    rows = list(Product.objects.order_by("pk"))
    ProductPopularity.objects.bulk_create(
        ProductPopularity(product=rows[item - 1], recent_shoppers=recent, shoppers=recent, counted_at=now)
        for item, recent in counts.items()
    )


@pytest.fixture
def version(db):
    """A made recommender that serves a shop of sixty books, with what is popular counted."""
    make_shop(books=60, shoppers=10, events=5)
    ProductPopularity.objects.count_again(timezone.now())
    return publish_made_artifact()
