"""The page "Why these recommendations?" about the lists beside a product."""

import re

import pytest
from django.contrib.admin.models import LogEntry
from django.utils import translation

from recommendations.models import Product
from recommendations.serving import RecommendationQuery, recommend
from tests.admin.why_page import Tables, text_of, told, url
from tests.locale.reading import english_in


@pytest.fixture
def about(shopper):
    return Product.objects.order_by("pk")[8].product_id


@pytest.mark.parametrize("placement", ["similar", "bought_together"])
def test_the_list_beside_a_product_is_the_one_served(staff, shopper, about, placement):
    client = staff("view_history")
    served = recommend(RecommendationQuery(placement, shopper, product_id=about))
    html = text_of(client.get(url(shopper, placement=placement, about=about)))
    (table, *_) = Tables(html).found
    assert [row[1] for row in table[1:]] == [entry.card.title for entry in served.recommendations]
    assert "This list rests on the product of the page." in html
    found = told(client, shopper, placement=placement, about=about)
    assert [entry["product_id"] for entry in found["shown"]] == served.product_ids
    assert [row[5] for row in table[1:]] == [f"{entry['score']:.3f}" for entry in found["shown"]]
    link = re.search(r'<th scope="row"><a href="\?([^"#]*)', html)[1].replace("&amp;", "&")
    assert f"about={about}&product={served.product_ids[0]}" in link
    assert "This list rests on" in text_of(client.get(f"{url(shopper)}?{link}"))


def test_one_product_is_followed_to_its_place_or_the_rule_that_leaves_it_out(staff, shopper, about):
    client = staff("view_history")
    served = recommend(RecommendationQuery("similar", shopper, product_id=about)).product_ids
    html = text_of(client.get(url(shopper, placement="similar", about=about, product=served[1])))
    assert "how like the product of the page it is" in html
    assert "The recommender gives it none." not in html
    assert "Place in the list</h3><p>2</p>" in html
    html = text_of(client.get(url(shopper, placement="bought_together", about=about, product=about)))
    assert "The product of the page itself: yes, so it is left out" in html
    assert "Met before" not in html


def test_the_product_of_the_page_must_be_named_and_be_one(staff, shopper):
    client = staff("view_history")
    for asked, message in (
        ({}, "This placement stands beside a product: give the id of one."),
        ({"about": "nothing"}, "No product of the shop has the id “nothing”."),
    ):
        html = text_of(client.get(url(shopper, placement="similar", **asked)))
        assert message in html and "The list now" not in html
    assert not LogEntry.objects.exists()


def test_other_placements_know_no_product_of_the_page(staff, shopper):
    found = told(staff("view_history"), shopper, placement="home", about="nothing")
    assert (found["about"], found["gap"]) == ("", "")


def test_the_look_is_logged_without_the_product_of_the_page(staff, shopper, about):
    staff("view_history").get(url(shopper, placement="similar", about=about, limit=5))
    expected = "Looked into the recommendations: Similar products, 5 products."
    assert LogEntry.objects.get().get_change_message() == expected


def test_it_says_what_rows_are_cut_from(staff, shopper):
    html = text_of(staff("view_history").get(url(shopper)))
    assert "are cut from the list of “New for you”" in html and "40 products, without promotions." in html


def test_it_speaks_chinese(staff, shopper, about):
    client = staff("view_history")
    with translation.override("zh-hans"):
        answer = client.get(url(shopper, placement="similar", about=about), headers={"accept-language": "zh-hans"})
    html = re.search(r'(<div id="content".*)<footer', answer.content.decode(), re.DOTALL)[1]
    html = re.sub(r'<dl class="rec-hashes">.*?</dl>|value="[0-9a-z_-]+"|JSON|numpy', "", html, flags=re.DOTALL)
    assert english_in(html) == []
