import re

from hypothesis import example, given
from hypothesis import strategies as st

from shopdemo.labels import shop_size

UNITS = ["OZ", "LB", "CT", "PK", "GAL", "QT", "PT", "L", "ML", "FT", "SQ FT", "IN", "LD"]
numbers = st.integers(2, 99).map(str) | st.decimals("0.5", "99", places=2).map(str)


@given(st.text(max_size=12))
@example("1/0 OZ")
@example("....OZ")
@example("0/2 OZ")
def test_size_never_fails_and_never_shouts(raw):
    shown = shop_size(raw)
    assert shown == shown.strip()
    assert not re.search(r"[A-KM-Z]{2}", shown)


@given(numbers, st.sampled_from(UNITS))
def test_size_of_an_amount_keeps_its_number(number, unit):
    value = float(number)
    shown = shop_size(f"{number} {unit}")
    if value not in (0.5, 1.0):
        assert float(re.match(r"[\d.]+", shown)[0]) == round(value, 2)


@given(numbers, st.sampled_from(UNITS))
def test_size_spaces_do_not_matter(number, unit):
    assert shop_size(f"  {number}   {unit} ") == shop_size(f"{number} {unit}")


@given(st.integers(2, 24), st.integers(2, 16))
def test_size_pack_is_the_same_however_it_is_spelled(count, ounces):
    assert shop_size(f"{count} PK/{ounces} OZ") == shop_size(f"{ounces} OZ/{count} PK") == f"{count} × {ounces} oz"
