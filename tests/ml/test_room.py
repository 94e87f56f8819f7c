import numpy as np
import pytest

from recommendations.ml.room import Room

MATRIX = np.arange(12, dtype=np.float32).reshape(4, 3)
ONE, TWO = np.full((1, 3), 20, np.float32), np.full((2, 3), 30, np.float32)


@pytest.fixture
def rows():
    """Four items and room for three."""
    return np.concatenate((MATRIX, np.zeros((3, 3), np.float32)))


def test_newcomers_stand_behind_and_nothing_is_copied(rows):
    room = Room(rows, 4)
    first = room.behind(rows[:4], ONE)
    second = room.behind(first, TWO)
    assert np.array_equal(first, [*MATRIX, *ONE])
    assert np.array_equal(second, [*MATRIX, *ONE, *TWO])
    assert np.shares_memory(rows, second)


def test_two_that_go_on_from_the_same_do_not_see_each_other(rows):
    room = Room(rows, 4)
    one, other = room.behind(rows[:4], ONE), room.behind(rows[:4], ONE + 1)
    further = room.behind(other, TWO)
    assert np.array_equal(one, [*MATRIX, *ONE])
    assert np.array_equal(other, [*MATRIX, *(ONE + 1)])
    assert np.array_equal(further, [*MATRIX, *(ONE + 1), *TWO])
    assert not np.shares_memory(rows, further)


def test_without_room_enough_there_is_a_copy(rows):
    room = Room(rows, 4)
    first = room.behind(rows[:4], TWO)
    second = room.behind(first, TWO + 1)
    assert np.array_equal(second, [*MATRIX, *TWO, *(TWO + 1)])
    assert np.array_equal(first, [*MATRIX, *TWO])
