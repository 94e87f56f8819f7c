import pytest

from shopdemo.labels import shop_size


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("13 OZ", "13 oz"),
        ("12.0 OZ", "12 oz"),
        (".5 OZ", "0.5 oz"),
        ("8 7/8 OZ", "8.88 oz"),
        ("3/4 OZ", "0.75 oz"),
        ("16 OZS.", "16 oz"),
        ("12 FL OZ", "12 fl oz"),
        ("2 LTR", "2 L"),
        ("2 L BTL", "2 L"),
        ("20 CT", "20 count"),
        ("12 PK", "12-pack"),
        ("35.8 SQ FT", "35.8 sq ft"),
        ("14 PCS", "14 pieces"),
        ("7 OZ AEROS", "7 oz"),
    ],
)
def test_size_plain_amount_in_words(raw, shown):
    assert shop_size(raw) == shown


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("1/2 GAL", "½ gal"),
        (".5 GAL", "½ gal"),
        ("GAL", "1 gal"),
        ("1 GA", "1 gal"),
        ("1 GALON", "1 gal"),
        ("DZ", "dozen"),
    ],
)
def test_size_bottle_and_box_words(raw, shown):
    assert shop_size(raw) == shown


@pytest.mark.parametrize("raw", ["32 LD", "32 LDS", "32 LOAD", "32 LOADS"])
def test_size_spellings_of_loads_are_one(raw):
    assert shop_size(raw) == "32 loads"


@pytest.mark.parametrize("raw", ["6 PK/9 OZ", "6 PK 9 OZ", "6/9 OZ", "6-9 OZ", "9 OZ/6 PK"])
def test_size_pack_of_pieces_spelled_five_ways(raw):
    assert shop_size(raw) == "6 × 9 oz"


def test_size_pack_with_the_weight_of_all_is_no_product_of_pieces():
    assert shop_size("8 PK/24.8 OZ") == "8-pack, 24.8 oz"


def test_size_count_with_what_each_holds():
    assert shop_size("20 CT/13 GAL") == "20 count, 13 gal"
    assert shop_size("13 CT/GAL") == "13 count, 1 gal"


def test_size_weight_with_count():
    assert shop_size("13 OZ/8 CT") == "13 oz, 8 count"


def test_size_range():
    assert shop_size("18-22 LB") == "18–22 lb"


@pytest.mark.parametrize(
    ("raw", "shown"), [("L     12 OZ", "12 oz"), ("22515 32 OZ", "32 oz"), ("971838  PK", ""), ("2 LB(32 OZ)", "2 lb")]
)
def test_size_the_datas_own_business_is_dropped(raw, shown):
    assert shop_size(raw) == shown


@pytest.mark.parametrize("raw", ["", "CTN", "LARGE", "SOFT", "CELL PK", "1 CT"])
def test_size_that_says_nothing_is_empty(raw):
    assert shop_size(raw) == ""
