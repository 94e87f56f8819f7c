from decimal import Decimal

import pytest
from django.template.loader import render_to_string
from django.utils import translation

from recommendations.catalog import Card, Price, find_cards


@pytest.mark.parametrize(
    ("price", "language", "shown"),
    [
        (Price(Decimal("1.99"), "USD"), "en", "$1.99"),
        (Price(Decimal("1.9"), "EUR"), "en", "€1.90"),
        (Price(Decimal("1.996"), "EUR"), "en", "€2.00"),
        (Price(Decimal("0.01"), "GBP"), "en", "£0.01"),
        (Price(Decimal("3"), "CHF"), "en", "3.00 CHF"),
        (Price(Decimal("3"), "CHF"), "de", "3,00 CHF"),
        (Price(Decimal("1200"), "JPY"), "en", "¥1200"),
    ],
)
def test_a_price_reads_as_its_language_and_currency_write_it(price, language, shown):
    with translation.override(language):
        assert str(price) == shown


@pytest.mark.parametrize("amount", [None, "", "free", Decimal("NaN"), Decimal("Infinity")])
def test_what_is_no_price_is_not_drawn(amount):
    price = Price(amount, "EUR")
    drawn = render_to_string("recommendations/card.html", {"card": Card("7", "Tea", "/tea/", price=price)})
    assert (str(price), "recommendations-price" in drawn) == ("", False)
    assert Price(Decimal(0), "EUR") and str(Price("1.5", "EUR")) == "€1.50"


def test_a_card_needs_only_what_a_link_needs():
    card = Card("7", "Tea", "/tea/")
    assert (card.image, card.price, card.category) == ("", None, "")


@pytest.mark.django_db
@pytest.mark.parametrize("product_id", ["", "x", "9" * 40, "-1", "1.5", "\x00"])
def test_an_id_that_no_product_can_have_has_no_card(product_id):
    assert find_cards([product_id], None) == {}
