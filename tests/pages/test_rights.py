"""What the shopper decides, by plain forms: no JavaScript, no login."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from recommendations import controls
from recommendations.ml.kinds import Kind
from recommendations.models import Interaction, Product, Shopper
from recommendations.models.hidden_product import stays_among_fewer
from recommendations.models.shopper import OFF_COOKIE
from tests.pages.test_pages import COOKIE, a_cause, browser, listed, submit, visitor, why_url  # noqa: F401
from tests.serving.conftest import *  # noqa: F403 - the same shop

YOURS = "/recommendations/yours/"


def page_of(browser):  # noqa: F811
    return browser.get(YOURS).content.decode()


def long_ago(days):
    return timezone.now() - timedelta(days=days)


def test_switching_off_and_on(version, popular, books, visitor, browser, did):  # noqa: F811
    did(visitor, books[10:13])
    html = submit(browser, YOURS, "personalisation").content.decode()
    assert "Personalisation is off" in html
    assert "Book 11" not in html
    assert (browser.cookies[COOKIE].value, browser.cookies[OFF_COOKIE].value) == ("", "1")
    html = submit(browser, YOURS, "personalisation", on="1").content.decode()
    assert "Personalisation is off" not in html
    assert "Nothing yet" in html


def test_a_visitor_is_told_that_off_deletes_and_a_user_that_it_keeps(db, client):
    assert "is deleted, since without a cookie" in page_of(client)
    client.force_login(get_user_model().objects.create_user("anna"))
    assert "stays unread until you switch it on again" in page_of(client)


def test_deleting_everything(books, visitor, browser, did):  # noqa: F811
    did(visitor, books[10:13])
    html = submit(browser, YOURS, "erase").content.decode()
    assert "Personalisation is off" in html
    assert "Everything that was remembered of you is deleted." in html
    assert not Interaction.objects.exists()
    assert Shopper.objects.get().erased_at is not None


def test_an_address_alone_never_says_that_everything_is_deleted(books, did, browser, settings):  # noqa: F811
    user = get_user_model().objects.create_user("anna")
    browser.force_login(user)
    did(Shopper.objects.create(user=user, personalised=False), books[10:13])
    html = browser.get(f"{YOURS}?erased=1").content.decode()
    assert "is deleted." not in html
    assert "you can download or delete it below" in html
    controls.erase(Shopper.objects.get(user=user))
    assert "Everything that was remembered of you is deleted." in browser.get(f"{YOURS}?erased=1").content.decode()
    assert "you can download or delete it below" not in page_of(browser)


def test_the_download_is_a_file_of_ones_own(books, visitor, browser, did):  # noqa: F811
    did(visitor, books[10:13], Kind.PURCHASE)
    answer = browser.get(reverse("recommendations:export"))
    assert 'attachment; filename="recommendations.json"' in answer["Content-Disposition"]
    assert [row["title"] for row in answer.json()["interactions"]] == ["Book 13", "Book 12", "Book 11"]
    assert "no-store" in answer["Cache-Control"]
    assert Client().get(reverse("recommendations:export")).json() == {"shopper": None}


def test_not_interested_from_the_panel_and_shown_again(version, popular, books, visitor, browser, did):  # noqa: F811
    did(visitor, books[10:13])
    found = listed(visitor)
    shown = a_cause(found).card
    html = submit(browser, why_url(found, shown.product_id), "hide", product=shown.product_id).content.decode()
    assert f"{shown.title} is not shown any more." in html
    assert re.search(rf"Not interested</h2>.*{shown.title}.*not shown until", html, re.DOTALL)
    assert shown.product_id not in listed(visitor).product_ids
    html = submit(browser, YOURS, "show_again", product=shown.product_id).content.decode()
    assert "not shown until" not in html
    assert listed(visitor).product_ids == found.product_ids


def test_less_like_this_from_the_panel_and_shown_again(version, popular, books, visitor, browser, did):  # noqa: F811
    did(visitor, books[10:13])
    found = listed(visitor)
    shown = a_cause(found).card
    why = why_url(found, shown.product_id)
    assert re.search(r'name="fewer" value="1">Less like this<', browser.get(why).content.decode())
    html = submit(browser, why, "hide", product=shown.product_id, fewer="1").content.decode()
    assert re.search(rf"{shown.title}.*not shown until .* · and less like it", html, re.DOTALL)
    assert f"{shown.title} is not shown any more, and less of its category is suggested." in html
    shelves = {str(book.pk): book.shelf for book in books}
    alike = [key for key in listed(visitor).product_ids if shelves[key] == shelves[shown.product_id]]
    assert all(map(stays_among_fewer, alike))
    submit(browser, YOURS, "show_again", product=shown.product_id)
    assert listed(visitor).product_ids == found.product_ids


def test_less_like_this_is_not_offered_where_nothing_is_like_it(version, popular, books, browser):  # noqa: F811
    found = listed(None)
    shown = found.product_ids[0]
    Product.objects.filter(product_id=shown).update(category=[])
    why = why_url(found, shown)
    html = browser.get(why).content.decode()
    assert "Not interested" in html and "Less like this" not in html
    html = submit(browser, why, "hide", product=shown, fewer="1").content.decode()
    assert "is not shown any more." in html and "less like it" not in html


def test_hiding_while_it_is_off_is_refused_and_says_so(books, browser):  # noqa: F811
    browser.cookies[OFF_COOKIE] = "1"
    html = submit(browser, YOURS, "hide", product=str(books[0].pk)).content.decode()
    assert "Nothing was hidden: that would have to be remembered." in html
    assert Shopper.objects.count() == 1  # the visitor's, made before


def refuses(request):
    return False


def test_without_consent_the_page_says_that_nothing_is_read(books, visitor, browser, did, settings):  # noqa: F811
    did(visitor, books[10:13])
    settings.RECOMMENDATIONS = settings.RECOMMENDATIONS | {"HAS_CONSENT": f"{__name__}.refuses"}
    html = page_of(browser)
    assert "You have not agreed that this shop remembers what you do" in html
    assert "No list reads what was remembered before, but a training may, until you switch" in html
    assert not re.search("Nothing yet|Personalisation is off|Switch personalisation on|Book 1", html)
    html = submit(browser, YOURS, "hide", product=str(books[0].pk)).content.decode()
    assert "Nothing was hidden: that would have to be remembered." in html
    assert "Whatever was remembered" not in page_of(Client())
    assert "is deleted." in submit(browser, YOURS, "erase").content.decode()
    assert not Interaction.objects.exists()


def test_without_consent_it_can_be_switched_off_so_that_no_training_reads_it(books, did, browser, settings):  # noqa: F811
    anna = get_user_model().objects.create_user("anna")
    browser.force_login(anna)
    did(Shopper.objects.create(user=anna), books[10:13])
    settings.RECOMMENDATIONS = settings.RECOMMENDATIONS | {"HAS_CONSENT": f"{__name__}.refuses"}
    assert Interaction.objects.for_training().count() == 3
    assert "Personalisation is off" in submit(browser, YOURS, "personalisation").content.decode()
    assert Interaction.objects.for_training().count() == 0


def test_a_user_who_switched_it_off_is_told_of_what_is_kept(books, did, browser):  # noqa: F811
    anna = get_user_model().objects.create_user("anna")
    browser.force_login(anna)
    did(Shopper.objects.create(user=anna), books[10:13])
    html = submit(browser, YOURS, "personalisation").content.decode()
    assert "Whatever was remembered before stays unread" in html and "Switch personalisation on" in html
    assert "Whatever was remembered" not in submit(browser, YOURS, "erase").content.decode()


def test_what_was_removed_for_good_is_told_and_shown_again(books, visitor, browser, did):  # noqa: F811
    did(visitor, books[10:11])
    did(visitor, books[11:12], ago=timedelta(days=50))
    Interaction.objects.create(
        shopper=visitor, kind=Kind.SEARCH, query="red tea", source=2, event_key=99, occurred_at=long_ago(50)
    )
    assert "Removed for good" not in page_of(browser)
    for unit in ({"product_id": str(books[11].pk)}, {"query": "red tea"}):
        controls.remove(visitor, **unit, now=long_ago(40))
    controls.purge()
    html = page_of(browser)
    removed = html[html.index("Removed for good") :]
    assert re.search(
        r"Book 12<.*unless you look at it again.*>Show again<.*1 search, its words are del", removed, re.DOTALL
    )
    assert not re.search("red tea|>Undo<", html)
    html = submit(browser, YOURS, "show_again", product=str(books[11].pk)).content.decode()
    assert "Book 12" not in html and "Book 11" in html


def test_hiding_what_does_not_exist_is_refused(db, visitor, browser):  # noqa: F811
    html = browser.get(YOURS).content.decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', html)[1]
    answer = browser.post(reverse("recommendations:hide"), {"csrfmiddlewaretoken": token, "product": "no such"})
    assert (answer.status_code, answer["Content-Type"]) == (400, "text/plain")


def test_interests_are_counted_from_the_history(books, visitor, browser, did):  # noqa: F811
    did(visitor, [books[0], books[3], books[3], books[1]])  # two of one shelf, one of another
    html = page_of(browser)
    shelf = books[0].shelf
    assert re.search(rf"<li>{shelf} <small>2 products</small></li>", html)
    assert f"<li>{books[1].shelf}" not in html


@pytest.mark.parametrize("name", ["personalisation", "erase", "hide", "show_again"])
def test_decisions_need_a_csrf_token_and_a_post(db, browser, name):  # noqa: F811
    assert browser.post(reverse(f"recommendations:{name}")).status_code == 403
    assert browser.get(reverse(f"recommendations:{name}")).status_code == 405
