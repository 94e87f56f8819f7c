import re
from datetime import timedelta

import pytest
from django.db import DatabaseError
from django.template import Context, RequestContext, Template, TemplateSyntaxError, engines
from django.test import RequestFactory, override_settings
from django.utils import timezone
from rest_framework.request import Request

from recommendations import serving
from recommendations.exceptions import UnknownPlacement
from recommendations.models import Product, Shopper
from recommendations.models.shopper import hash_key
from tests.serving.conftest import *  # noqa: F403 - the same shop
from tests.shop.models import Book
from tests.shop.recommended_products import BookCatalog


@pytest.fixture
def page():
    """page(source, cookie): renders a template for a visitor; the request is kept on it."""

    def render(source, cookie=""):
        request = RequestFactory().get("/")
        if cookie:
            request.COOKIES["recommendations_shopper"] = cookie
        render.request = request
        return Template("{% load recommendations %}" + source).render(RequestContext(request))

    return render


@pytest.fixture
def visitor(db):
    return Shopper.objects.create(key_hash=hash_key("key"))


def test_a_stranger_sees_the_popular_list(version, popular, page):
    html = page('{% recommendations placement="home" limit=3 %}')
    assert "Popular right now" in html
    assert html.count("<article") == 3
    assert "Popular this week" in html


def test_where_nothing_is_popular_yet_nothing_is_called_so(books, page):
    html = page('{% recommendations placement="home" limit=3 %}')
    assert html.count("<article") == 3
    assert "From this shop" in html  # nor new: that is only what came after the first
    assert "Popular right now" not in html
    Product.objects.update(created_at=timezone.now() - timedelta(days=60))
    Product.objects.create(product_id=str(Book.objects.create(name="Fresh").pk), title="Fresh")
    assert "New in this shop" in page('{% recommendations placement="home" limit=3 of="book" %}')


def test_with_debug_an_error_of_the_shops_catalog_is_raised(books, page, settings, monkeypatch, caplog):
    monkeypatch.setattr(BookCatalog, "card", lambda self, product, request: product.nme)
    settings.RECOMMENDATIONS = {}
    assert "<article" not in page('{% recommendations placement="home" %}')
    settings.DEBUG = True
    with pytest.raises(AttributeError, match="'Book' object has no attribute 'nme'"):
        page('{% recommendations placement="home" %}')


def test_with_debug_a_developers_mistake_is_raised_and_a_failing_database_is_not(db, page, settings, monkeypatch):
    settings.DEBUG, settings.RECOMMENDATIONS = True, {}
    with pytest.raises(UnknownPlacement, match="placement 'hom': expected one of home"):
        page('{% recommendations placement="hom" %}')

    def fail(*args, **kwargs):
        raise DatabaseError("gone")

    monkeypatch.setattr(serving, "recommend", fail)
    assert page('before{% recommendations placement="home" %}after') == "beforeafter"


@pytest.mark.parametrize(
    ("limit", "told"),
    [
        ("0", "limit 0: expected 1 to 100."),
        ("200", "limit 200: expected 1 to 100."),
        ("'ten'", "limit 'ten': expected a whole number."),
        ("2.5", "limit 2.5: expected a whole number."),
    ],
)
@pytest.mark.parametrize("tag", ["recommendations placement='home'", "because_rows"])
@pytest.mark.parametrize("lazy", ["", " lazy=True"])
def test_with_debug_a_wrong_limit_is_raised_and_without_it_is_logged(
    db, page, settings, caplog, limit, told, tag, lazy
):
    settings.DEBUG, settings.RECOMMENDATIONS = True, {}
    source = f"before{{% {tag} limit={limit}{lazy} %}}after"
    with pytest.raises(TemplateSyntaxError) as raised:
        page(source)
    assert str(raised.value) == told
    settings.DEBUG = False
    assert page(source) == "beforeafter"
    assert told in caplog.text


def test_with_debug_a_variable_that_is_no_product_is_told_and_without_it_says_nothing(db, page, settings):
    settings.DEBUG, settings.RECOMMENDATIONS = True, {}
    assert page("before{{ None|recommendations_id }}after") == "beforeafter"
    source = "before{{ prodcut|recommendations_id }}after"
    with pytest.raises(TemplateSyntaxError, match="recommendations_id: no product here"):
        page(source)
    settings.DEBUG = False
    assert page(source) == "beforeafter"


def test_each_link_to_the_reasons_is_named_after_its_product(version, popular, page):
    html = page('{% recommendations placement="home" limit=3 %}')
    titles = re.findall(r'class="recommendations-title">([^<]+)<', html)
    assert len(set(titles)) == 3
    assert re.findall(r'aria-label="([^"]+)"[^>]*>Why this\?</a>', html) == [f"Why this? {title}" for title in titles]


def test_a_visitor_sees_true_reasons(version, popular, page, visitor, books, did):
    did(visitor, books[10:13])
    html = page('{% recommendations placement="home" %}', "key")
    assert "Recommended for you" in html
    assert "Because you viewed Book 1" in html


def test_rows_name_their_anchor_once(version, popular, page, visitor, books, did):
    did(visitor, [books[3], books[27], books[44]])
    html = page("{% because_rows limit=2 %}", "key")
    assert 1 <= html.count("<h2") <= 2
    assert html.count("Because you viewed") == html.count("<h2")


def test_nothing_is_rendered_when_there_is_nothing_to_say(db, page):
    assert page('{% recommendations placement="home" %}{% because_rows %}').strip() == ""


def test_an_error_leaves_the_page_whole(db, page, monkeypatch):
    def fail(*args, **kwargs):
        raise DatabaseError("gone")

    monkeypatch.setattr(serving, "recommend", fail)
    with override_settings(RECOMMENDATIONS={}):
        html = page('before{% recommendations placement="home" %}{% recommendations placement="hom" %}after')
    assert html.split() == ["before", "after"] or html.replace("\n", "") == "beforeafter"


@pytest.mark.parametrize("name", ["card.html", "list.html", "beacon.html"])
def test_a_broken_template_of_the_shops_own_leaves_the_page_whole(version, popular, settings, tmp_path, name, caplog):
    (tmp_path / "recommendations").mkdir()
    (tmp_path / "recommendations" / name).write_text("{% no_such_tag %}")
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
    settings.RECOMMENDATIONS = {}
    source = '{% load recommendations %}before{% recommendations placement="home" %}{% recommendation_beacon %}after'
    html = engines["django"].from_string(source).render({}, RequestFactory().get("/"))
    assert html.startswith("before")
    assert html.endswith("after")
    assert "no_such_tag" in caplog.text


@pytest.mark.parametrize("name", ["fact.txt", "because.txt"])
def test_a_product_is_listed_without_a_reason_that_can_not_be_said(
    version, popular, books, visitor, did, client, settings, tmp_path, name, caplog
):
    did(visitor, books[10:13])
    (tmp_path / "recommendations" / "reasons").mkdir(parents=True)
    (tmp_path / "recommendations" / "reasons" / name).write_text("{{ reason.when|no_such_filter }}")
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
    settings.RECOMMENDATIONS = {}
    if name == "because.txt":
        client.cookies["recommendations_shopper"] = "key"
    html = client.get("/recommendations/fragment/?placement=home&limit=4").content.decode()
    sent = client.get("/recommendations/v1/lists/?placement=home&limit=4").json()["recommendations"]
    assert (html.count("<article"), len(sent)) == (4, 4)
    reasons = [(entry["reason"]["kind"], entry["reason"]["text"], entry["labelled"]) for entry in sent]
    assert ("none", "", False) in reasons
    assert html.count("recommendations-reason") == sum(labelled for *_, labelled in reasons)
    assert "no_such_filter" in caplog.text
    assert "<h2" not in client.get("/recommendations/fragment/?placement=new_for_you&limit=3&rows=1").content.decode()


def test_a_card_of_the_shops_own_may_hold_a_form(version, popular, settings, tmp_path):
    (tmp_path / "recommendations").mkdir()
    (tmp_path / "recommendations" / "card.html").write_text("<form>{% csrf_token %}{{ request.path }}</form>")
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
    source = '{% load recommendations %}{% recommendations placement="home" limit=1 %}'
    html = engines["django"].from_string(source).render({}, RequestFactory().get("/shelf/"))
    assert 'name="csrfmiddlewaretoken"' in html and "/shelf/" in html


def test_a_file_that_was_not_collected_leaves_the_page_whole(version, popular, page, settings, tmp_path):
    manifest = "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": manifest, "OPTIONS": {"location": tmp_path}}}
    settings.RECOMMENDATIONS = {}
    assert page("before{% recommendation_beacon %}after") == "beforeafter"


def test_rendering_writes_nothing_and_sets_no_cookie(version, popular, page):
    page('{% recommendations placement="home" %}')
    assert Shopper.objects.count() == 0


def test_a_personal_page_is_marked(version, popular, page):
    page('{% recommendations placement="home" %}')
    assert page.request.recommendations_personal


def test_a_page_that_rest_framework_renders_is_marked_where_the_middleware_and_cache_page_look(version, popular):
    request = RequestFactory().get("/")
    template = Template('{% load recommendations %}{% recommendations placement="home" %}')
    assert "data-recommendations-product" in template.render(Context({"request": Request(request)}))
    assert request.recommendations_personal
    assert request._cache_update_cache is False


def test_the_shopper_is_looked_up_once_a_page(version, popular, page, visitor, django_assert_max_num_queries):
    one = '{% recommendations placement="home" %}'
    page(one, "key")
    with django_assert_max_num_queries(40) as captured:
        page(one * 3, "key")
    asked = [entry["sql"] for entry in captured if 'FROM "recommendations_shopper"' in entry["sql"]]
    assert len(asked) == 1


def test_titles_are_escaped(version, popular, page, books):
    books[0].name = "<script>alert(1)</script>"
    books[0].save()
    html = page('{% recommendations placement="home" limit=1 %}')
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_without_a_request_the_error_names_the_line(db):
    with pytest.raises(TemplateSyntaxError, match=r"context_processors\.request"):
        Template('{% load recommendations %}{% recommendations placement="home" %}').render(Context())


def test_a_cached_page_never_shows_one_shoppers_list_to_another(version, popular, books, did, client, settings):
    settings.ROOT_URLCONF = "tests.templatetags.cached_pages"
    for key, shown in (("anna", books[10:13]), ("bert", books[30:33])):
        did(Shopper.objects.create(key_hash=hash_key(key)), shown)
    pages = {}
    for key in ("anna", "bert", "anna", ""):
        client.cookies.clear()
        if key:
            client.cookies["recommendations_shopper"] = key
        response = client.get("/cached/")
        assert "Cookie" in response.headers["Vary"]
        assert "private" in response.headers["Cache-Control"]
        pages.setdefault(key, response.content.decode())
    assert "Because you viewed Book 1" in pages["anna"]
    assert "Because you viewed Book 3" in pages["bert"]
    assert "Because" not in pages[""]


def test_a_page_without_our_urls_is_whole(version, popular, visitor, books, did, client, settings):
    settings.ROOT_URLCONF = "tests.templatetags.no_urls"
    did(visitor, [books[3], books[27], books[44]])
    client.cookies["recommendations_shopper"] = "key"
    html = client.get("/page/").content.decode()
    assert html.startswith("before")
    assert "Because you viewed" in html
    assert "Why this?" not in html


def test_a_list_about_a_product_takes_the_shops_own_product(version, books, page):
    from django.template import RequestContext, Template

    request = RequestFactory().get("/")
    source = '{% load recommendations %}{% recommendations placement="similar" product=product limit=3 %}'
    html = Template(source).render(RequestContext(request, {"product": books[3]}))
    assert html.count("<article") == 3
