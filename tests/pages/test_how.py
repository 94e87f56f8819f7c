"""How suggestions are chosen: a page filled from the version that serves, the same for everybody."""

import re
from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.formats import date_format

from recommendations.models import Interaction, RecommenderVersion
from tests.locale.reading import english_in

DATA = {
    "interactions": 1_227_271,
    "shoppers": 2_465,
    "products": 5_632,
    "first": 0,
    "last": 86_400 * 40,
    "by_kind": {"1": 20, "4": 1_000, "6": 1_226_251, "5": 0},
    "mix": {"weights": {"network": 1.0, "table": 0.0, "repeat": 2.0, "bought": 0.0}, "recent": 0.5},
}
METRICS = {
    "repeats_allowed": {
        "recommender": {"ndcg@10": 0.4954},
        "network": {"ndcg@10": 0.9},
        "bought_before": {"ndcg@10": 0.4871},
        "popularity": {"ndcg@10": 0.3},
    }
}
GATE = {"claims": 1_204, "false": 0, "predictions": 250, "different": 0}


@pytest.fixture
def url():
    return reverse("recommendations:how")


@pytest.fixture
def version(db):
    return RecommenderVersion.objects.create(
        status="published",
        published_at=datetime(2026, 11, 3, tzinfo=UTC),
        data=DATA,
        metrics=METRICS,
        fidelity={"gate": GATE},
    )


def text_of(response):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", response.content.decode()))


def day(seconds):
    return date_format(timezone.localtime(datetime.fromtimestamp(seconds, UTC)), "DATE_FORMAT")


def test_it_tells_what_serves(client, version, url):
    text = text_of(client.get(url))
    assert f"Version {version.pk}, published on {day(version.published_at.timestamp())}." in text
    assert "It learned from 1,227,271 events of 2,465 shoppers with 5,632 products" in text
    assert f"from {day(DATA['first'])} to {day(DATA['last'])}." in text
    assert "as a neural network" in text and "how lately you bought it" in text and "in the last 30 days" in text
    assert "what you did last" not in text  # the table has no weight in this version
    assert "0.495 0.487" in text
    assert "1,204 such reasons were checked again by separate code: 0 were wrong. 250 times" in text


def test_a_table_that_reads_everything_alike_is_not_told_to_follow_what_was_last(client, version, url):
    for fade, expected, other in (
        (0.6, "how often it follows what you did last", "each counting alike"),
        (1.0, "how often it follows any of the last 50 things you did, each counting alike", "what you did last"),
    ):
        mix = {"weights": {"network": 1.0, "table": 2.0, "table_reads": 50 if fade == 1 else 5, "table_fade": fade}}
        RecommenderVersion.objects.update(data={**DATA, "mix": mix})
        text = text_of(client.get(url))
        assert expected in text and other not in text


@pytest.mark.parametrize("repeat", [0.0, 2.0])
def test_where_what_was_bought_counts_against_it_the_page_says_so(client, version, url, repeat):
    mix = {"weights": {"network": 1.0, "repeat": repeat, "bought": -14.0}}
    RecommenderVersion.objects.update(data={**DATA, "mix": mix})
    text = text_of(client.get(url))
    assert "whether you bought it already, which counts against it" in text
    assert "how often and how lately you bought it" not in text
    assert ("among what you bought, how often and how lately that was" in text) == bool(repeat)


def test_it_tells_what_is_left_out(client, version, url):
    text = text_of(client.get(url))
    assert "Left out is: what is sold out what you hid, what you removed," in text
    assert "What the shop promotes may take the first places, one in three at most." in text
    assert "days are deleted." in text


def test_it_does_not_know_who_asks(client, version, url):
    with CaptureQueriesContext(connection) as asked:
        response = client.get(url)
    ours = [query["sql"] for query in asked if '"recommendations_' in query["sql"]]
    assert len(ours) == 1 and Interaction._meta.db_table not in ours[0]
    assert not response.cookies


def test_without_a_version_it_says_so(client, db, url):
    text = text_of(client.get(url))
    assert "None yet: what is popular and what is new is shown to everybody alike." in text
    assert "separate code" not in text


def test_a_version_of_which_little_is_known_is_told_as_far(client, version, url):
    RecommenderVersion.objects.update(data={}, metrics={}, fidelity={})
    text = text_of(client.get(url))
    assert f"Version {version.pk}" in text and "It learned from" not in text and "separate code" not in text


def test_it_speaks_chinese(client, version, url):
    far = {**DATA, "mix": {"weights": {"table": 2.0, "table_fade": 1.0}}}
    against = {**DATA, "mix": {"weights": {"repeat": 2.0, "bought": -14.0}}}
    for change in ({}, {"data": far}, {"data": against}, {"status": "retired"}):
        RecommenderVersion.objects.update(**change)
        with translation.override("zh-hans"):
            html = client.get(url, headers={"accept-language": "zh-hans"}).content.decode()
        assert english_in(re.search(r"<main>(.*)</main>", html, re.DOTALL)[1].replace("NDCG@10", "")) == []


@pytest.mark.parametrize("name", ["recommendations:why", "recommendations:yours"])
def test_the_other_pages_lead_here(client, db, url, name):
    assert f'href="{url}"' in client.get(reverse(name)).content.decode()
