from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from recommendations.capture import keys
from recommendations.ml.kinds import Kind
from recommendations.models import Interaction

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
BEACON, SERVER = Interaction.Source.BEACON, Interaction.Source.SERVER


@given(st.lists(st.one_of(st.text(), st.integers()), max_size=4))
def test_keys_fit_a_bigint_and_are_the_same_in_every_process(identity):
    key = keys.event_key(*identity)
    assert -(2**63) <= key < 2**63
    assert key == keys.event_key(*identity)


def test_the_parts_of_an_identity_do_not_run_together():
    assert keys.event_key("ab", "c") != keys.event_key("a", "bc")


def test_a_browser_can_not_take_the_name_of_a_coming_order():
    assert keys.key_of_event(BEACON, "order-7") != keys.key_of_event(SERVER, "order-7")


def test_the_same_view_within_the_time_together_is_one():
    key = keys.key_of_moment(Kind.VIEW, "tea", NOON)
    assert keys.key_of_moment(Kind.VIEW, "tea", NOON + timedelta(seconds=keys.SECONDS_TOGETHER - 1)) == key
    assert keys.key_of_moment(Kind.VIEW, "tea", NOON + timedelta(seconds=keys.SECONDS_TOGETHER)) != key
    assert keys.key_of_moment(Kind.SAVE, "tea", NOON) != key
    assert keys.key_of_moment(Kind.VIEW, "cup", NOON) != key


def test_a_line_of_an_order_is_its_order_kind_and_product():
    key = keys.key_of_order_line("7", Kind.PURCHASE, "tea")
    assert keys.key_of_order_line("7", Kind.PURCHASE, "tea") == key
    others = [("8", Kind.PURCHASE, "tea"), ("7", Kind.RETURN, "tea"), ("7", Kind.PURCHASE, "cup")]
    assert key not in {keys.key_of_order_line(*other) for other in others}


def test_a_row_is_all_of_its_columns():
    rows = [(Kind.VIEW, "tea", "", 1), (Kind.VIEW, "cup", "", 1), (Kind.SAVE, "tea", "", 1), (Kind.VIEW, "tea", "", 2)]
    assert len({keys.key_of_row(*row) for row in rows}) == 4
