import pytest
from django.contrib.auth import get_user_model
from django.urls import reverse

from shopdemo.models import Order, Product

from .conftest import make_product

pytestmark = pytest.mark.django_db


def page(client, url: str, status: int = 200) -> str:
    answer = client.get(url)
    assert answer.status_code == status
    return answer.content.decode()


def test_home_shows_the_departments_without_any_data(client):
    assert "Dairy &amp; eggs" in page(client, "/")


def test_home_shows_no_household_switch_without_debug(client):
    assert "shoes" not in page(client, "/")


def test_home_tells_what_is_new_to_whoever_bought_something(client, shop, household):
    user = get_user_model().objects.create_user("ada")
    client.force_login(user)
    assert "New for you" not in page(client, "/")
    Order.objects.create(user=user, name="Ada", street="2", city="F", placed_at="2026-01-01T00:00Z")
    assert "New for you" in page(client, "/")
    household.user = get_user_model().objects.create_user("household")
    household.save()
    client.force_login(household.user)
    assert "New for you" in page(client, "/")


def test_department_shows_each_shelf_with_its_most_bought(client, shop):
    shown = page(client, reverse("department", args=["dairy-eggs"]))
    assert "Milk" in shown and "Bananas" not in shown


def test_department_unknown_is_not_found(client):
    assert "not on our shelves" in page(client, "/departments/nonsense/", 404)


def test_category_pages_through_its_products_most_bought_first(client):
    for number in range(30):
        make_product(f"Apples, {number} lb", households=number)
    first = page(client, reverse("category", args=["fruit"]))
    assert "29 lb" in first and "Page 1 of 2" in first
    second = page(client, reverse("category", args=["fruit"]) + "?page=2")
    assert "29 lb" not in second and "0 lb" in second


def test_category_narrowed_to_one_kind(client):
    make_product("Apples, 3 lb")
    make_product("Pears, 2 lb")
    shown = page(client, reverse("category", args=["fruit"]) + "?kind=Pears")
    assert "2 lb" in shown and "3 lb" not in shown


def test_category_hides_what_is_sold_out(client):
    make_product("Apples, 3 lb", in_stock=False)
    assert "3 lb" not in page(client, reverse("category", args=["fruit"]))


def test_product_page_reports_its_view_and_lists_its_other_sizes(client):
    small, big = make_product("Honey, 8 oz", price="2.00"), make_product("Honey, 24 oz", price="5.00")
    shown = page(client, small.get_absolute_url())
    assert f'data-recommendations-view="{small.pk}"' in shown
    assert big.get_absolute_url() in shown and "$5.00" in shown


def test_product_sold_out_has_no_button(client):
    gone = make_product("Honey, 8 oz", in_stock=False)
    shown = page(client, gone.get_absolute_url())
    assert "Sold out" in shown and "Add to cart" not in shown


@pytest.mark.parametrize("query", ["banana", "BANANAS", "bananas fruit", "  ban  "])
def test_search_finds_by_every_word_in_name_or_category(client, shop, query):
    shown = page(client, f"/search/?q={query}")
    assert "Bananas" in shown and "Milk" not in shown


def test_search_prefers_names_to_categories(client):
    make_product("Frozen pizza, 20 oz", shelf="fmeal")
    make_product("Frozen burrito, 5 oz", shelf="fmeal")  # on the shelf "Frozen meals & pizza"
    assert "1 for" in page(client, "/search/?q=frozen pizza")
    assert "2 for" in page(client, "/search/?q=frozen meals")


def test_search_nothing_found_says_so_and_reports_the_query(client, shop):
    shown = page(client, "/search/?q=<caviar>")
    assert "Nothing found" in shown and 'data-recommendations-search="&lt;caviar&gt;"' in shown


def test_search_empty_asks_for_words(client):
    assert "What are you looking for?" in page(client, "/search/")


def test_search_a_percent_sign_is_no_wildcard(client, shop):
    assert "Nothing found" in page(client, "/search/?q=%25")


@pytest.mark.parametrize(
    ("address", "name", "asked"),
    [
        ("/search/?q=%00", "query", ""),
        ("/search/?q=ban%00ana", "query", "ban ana"),
        ("/categories/fruit/?kind=%00", "kind", " "),
    ],
)
def test_no_database_is_asked_for_a_letter_that_it_can_not_take(client, shop, address, name, asked):
    answer = client.get(address)
    assert (answer.status_code, answer.context[name]) == (200, asked)


def test_tile_is_a_picture_for_good(client):
    product = Product(shelf="milk", emoji="🥛")
    answer = client.get(product.image)
    assert answer["Content-Type"].startswith("image/svg+xml")
    assert "immutable" in answer["Cache-Control"]
    assert "🥛" in answer.content.decode()


@pytest.mark.parametrize(
    "address",
    [
        "/tiles/nocolour/1f34c.svg",
        "/tiles/leaf/3c.svg",
        "/tiles/leaf/zz.svg",
        "/tiles/leaf/ffffffff.svg",
        "/tiles/leaf/d800.svg",
    ],
)
def test_tile_refuses_what_is_no_emoji_on_a_colour(client, address):
    assert client.get(address).status_code == 404


def test_every_page_forbids_inline_scripts_and_styles_and_has_none(client, shop):
    for address in [
        "/",
        "/departments/dairy-eggs/",
        "/categories/fruit/",
        shop[0].get_absolute_url(),
        "/cart/",
        "/search/?q=milk",
    ]:
        answer = client.get(address)
        policy = answer["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy
        shown = answer.content.decode()
        assert "<style" not in shown and " style=" not in shown and " onclick=" not in shown
        assert all(" src=" in tag for tag in shown.split("<script")[1:])


def test_policy_spares_djangos_page_for_the_developer(client, settings):
    settings.DEBUG = True
    assert "Content-Security-Policy" not in client.get("/nowhere/")
    assert "Content-Security-Policy" in client.get("/")
