import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommendations.ml.agreement import kendall_tau

VALUES = st.lists(st.integers(-5, 5), min_size=2, max_size=12)


def test_the_same_order_is_one_and_the_reverse_minus_one():
    assert kendall_tau([1, 2, 3, 4], [10, 20, 30, 90]) == 1
    assert kendall_tau([1, 2, 3, 4], [4, 3, 2, 1]) == -1


def test_one_swap_of_three_counted_by_hand():
    # Of the pairs (1,2) (1,3) (2,3) one is turned round: (2 - 1) / 3.
    assert kendall_tau([1, 2, 3], [1, 3, 2]) == pytest.approx(1 / 3)


def test_ties_counted_by_hand():
    # Three pairs; one is tied on the left, none on the right; the two others agree: 2 / sqrt(2 * 3).
    assert kendall_tau([1, 1, 2], [1, 2, 3]) == pytest.approx(2 / 6**0.5)


@pytest.mark.parametrize("values", [[], [1.0], [2.0, 2.0]])
def test_without_an_order_there_is_no_agreement(values):
    assert kendall_tau(values, values) is None


def test_sequences_must_be_of_one_length():
    with pytest.raises(ValueError, match=r"\(1,\) and \(2,\) differ"):
        kendall_tau([1], [1, 2])


@given(VALUES, st.randoms())
def test_it_is_symmetric_and_within_bounds(values, draw):
    other = draw.sample(values, len(values))
    tau = kendall_tau(values, other)
    assert tau == kendall_tau(other, values)
    assert tau is None or -1 - 1e-9 <= tau <= 1 + 1e-9
    negated = kendall_tau(np.negative(values), other)
    assert (tau is None) == (negated is None) and (tau is None or tau == pytest.approx(-negated))
