"""Numbers and words of the staff's page."""

import pytest
from django.utils import translation

from recommendations.serving.memory import EVENT_ORDER
from recommendations.templatetags.recommendations_looking import shade, signed, word


@pytest.mark.parametrize(
    ("value", "places", "text"),
    [
        (1.256, 2, "+1.26"),
        (-1.5, 2, "−1.50"),
        (0.0, 2, "0.00"),
        (-0.004, 2, "0.00"),
        (0.0004, 3, "0.000"),
        (None, 2, "–"),
    ],
)
def test_numbers_have_their_sign(value, places, text):
    assert signed(value, places) == text


def test_numbers_follow_the_language():
    with translation.override("de"):
        assert signed(-1234.5) == "−1234,50"


def test_shades_have_their_classes():
    assert [shade(step) for step in (-3, -1, 0, 2)] == ["heat-n3", "heat-n1", "heat-0", "heat-p2"]


def test_each_event_has_words():
    with translation.override("zh-hans"):
        assert all(word(event, "event") != event for event in EVENT_ORDER)


def test_a_code_without_words_is_shown_itself():
    assert word("bought", "event") == "bought"
    assert word("hidden", "filter") == "Hidden by the shopper"
    assert word("sponsored", "source") == "sponsored"
