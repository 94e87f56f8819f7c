from collections import Counter

import pytest

from shopdemo.labels import not_sold, shelves, shop_label, titles
from shopdemo.tiles import COLOURS


def test_label_reads_like_a_shops():
    label = shop_label("TORTILLA/NACHO CHIPS", "BAG SNACKS", "13 OZ", "National")
    assert label.name == "Tortilla chips, 13 oz"
    assert (label.shelf.department, label.shelf.category) == ("Snacks & sweets", "Chips & savory snacks")


def test_label_of_a_private_brand_says_store_brand():
    label = shop_label("EGGS - LARGE", "EGGS", "1 DZ", "Private")
    assert label.name == "Large eggs, dozen (store brand)"


def test_label_without_a_size_is_the_title():
    assert shop_label("AVOCADO", "TROPICAL FRUIT", "", "National").name == "Avocados"


def test_label_same_type_in_two_categories_is_two_products():
    canned = shop_label("ASPARAGUS", "VEGETABLES - SHELF STABLE", "", "National")
    fresh = shop_label("ASPARAGUS", "VEGETABLES - ALL OTHERS", "", "National")
    assert (canned.name, fresh.name) == ("Asparagus, canned", "Asparagus")


def test_label_fresh_produce_drops_the_crate_but_keeps_the_bag():
    assert shop_label("BANANAS", "TROPICAL FRUIT", "40 LB", "National").name == "Bananas"
    assert shop_label("HEAD LETTUCE", "VEGETABLES SALAD", "24 CT", "National").name == "Iceberg lettuce"
    assert shop_label("APPLES GALA (BULK&BAG)", "APPLES", "3 LB", "National").name == "Gala apples, 3 lb"
    assert shop_label("POTATOES RUSSET (BULK&BAG)", "POTATOES", "10 LB", "National").name == "Russet potatoes, 10 lb"


@pytest.mark.parametrize(
    "product_type", ["GASOLINE-REG UNLEADED", "COUPONS/STORE & MFG", "CIGARETTES", "", "NO SUCH TYPE"]
)
def test_label_what_the_shop_does_not_sell_has_none(product_type):
    assert shop_label(product_type, "", "", "National") is None


def test_titles_no_two_types_share_one():
    shared = [title for title, count in Counter(title for title, _, _ in titles().values()).items() if count > 1]
    # A type that stands for two raw spellings of one thing would be listed here.
    assert shared == ["Beef liver & offal"]


def test_titles_are_written_for_people():
    for title, _, _ in titles().values():
        assert title == title.strip()
        assert title[0].isupper(), title
        assert not any(word.isupper() and len(word) > 3 for word in title.split()), title
        assert not any(mark in title for mark in ("(", "/", ":", "  ")), title


def test_titles_and_not_sold_do_not_overlap():
    assert not {product_type for product_type, _ in titles()} & set(not_sold())


def test_not_sold_each_has_a_reason():
    assert all(not_sold().values())


def test_shelves_all_have_products_a_picture_and_a_colour():
    used = {shelf.slug for _, shelf, _ in titles().values()}
    assert used == set(shelves())
    assert all(shelf.emoji and shelf.colour in COLOURS for shelf in shelves().values())


def test_shelves_departments_stand_together():
    names = [shelf.department for shelf in shelves().values()]
    runs = [name for place, name in enumerate(names) if place == 0 or names[place - 1] != name]
    assert len(runs) == len(set(runs)) == 11
