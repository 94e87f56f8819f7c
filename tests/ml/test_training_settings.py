import pytest

from recommendations.ml.training_settings import RANGES, TrainingSettings, wrong_settings


def test_the_defaults_are_right():
    assert list(wrong_settings(TrainingSettings().to_dict())) == []


def test_every_setting_has_its_range():
    assert set(RANGES) == set(TrainingSettings().to_dict())


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("seed", [0, 7], [-1, 1.5, None]),
        ("threads", [1, 8], [0, True]),
        ("held_out", [0.2], [0, 1, "0.1"]),
        ("shoppers_needed", [1], [0]),
        ("standard_errors", [-1000, 0.5], ["a lot", float("nan")]),
        ("warm_starts", [0, 6], [-1, True]),
        ("steps", [None, 30], [0, 30.0, "30"]),
        ("dropout", [None, 0, 0.5], [1, -0.1]),
        ("rate", [None, 1e-3], [0]),
        ("width", [16, 64], [15, 0]),
        ("max_seconds", [60, 0.5], [0, None]),
    ],
)
def test_what_a_setting_may_be(name, right, wrong):
    for value in right:
        assert list(wrong_settings({name: value})) == []
    for value in wrong:
        (told,) = wrong_settings({name: value})
        assert told.startswith(f"[{name!r}] is {value!r}: expected ")
