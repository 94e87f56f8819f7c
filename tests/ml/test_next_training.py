"""A second training starts from the first one, is compared with it, and what judges it leaks into neither fit."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest

from recommendations.ml.artifact import WEIGHTS, read_manifest
from recommendations.ml.kept_fits import Before, read_kept_fits
from recommendations.ml.splitting import split_time
from recommendations.ml.training.pipeline import train
from tests.ml.made_shop import DAY, chain_shop, vocabulary_of
from tests.ml.made_shop import FAST as COLD

FAST = replace(COLD, warm_starts=6)
LOG = chain_shop()
NIGHT_BEFORE = int(13.3 * DAY)  # the first training knew 95 % of the rows
FIRST_CUTOFF, CUTOFF = split_time(LOG.before(NIGHT_BEFORE)), split_time(LOG)
ANY = replace(FAST, steps=40, standard_errors=-1000.0)
WHATEVER = replace(ANY, errors_behind=1000.0)
VOCABULARY = vocabulary_of(40)


def first_fits(directory, log=LOG, settings=FAST):
    directory.mkdir()
    assert train(log.before(NIGHT_BEFORE), VOCABULARY, directory, settings).accepted
    return read_kept_fits(directory, version=1)


def next_training(directory, before, log=LOG, settings=FAST, **options):
    directory.mkdir()
    return train(log, VOCABULARY, directory, settings, before=before, **options)


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    return first_fits(tmp_path_factory.mktemp("chain") / "first")


@pytest.fixture(scope="module")
def second(first, tmp_path_factory):
    directory = tmp_path_factory.mktemp("chain") / "second"
    return directory, next_training(directory, Before(first, ""))


def test_the_first_training_says_why_it_started_cold_and_compares_with_nothing(tmp_path):
    result = next_training(tmp_path / "first", Before(), settings=ANY)
    assert result.start == {"cold": "no version had been published before", "warm_starts": 0}
    assert (result.current, result.steps) == ({}, 40)


def test_what_is_kept_ends_where_judging_began(first):
    assert (first.judged.until, first.warm_starts) == (FIRST_CUTOFF, 0)
    assert first.judged.interactions == len(LOG.before(FIRST_CUTOFF))
    assert first.final.until == int(LOG.before(NIGHT_BEFORE).time.max()) + 1
    assert first.final.interactions == len(LOG.before(NIGHT_BEFORE))
    assert first.vocabulary == VOCABULARY
    assert first.judged.weights["item_matrix"].shape == first.final.weights["item_matrix"].shape == (41, 16)


def test_the_next_takes_fewer_steps_and_is_better_than_so_few_from_nothing(second, tmp_path):
    directory, result = second
    new = 1 - len(LOG.before(FIRST_CUTOFF)) / len(LOG.before(CUTOFF))
    assert 0.04 < new < 0.06
    assert result.start == {"version": 1, "new": round(new, 4), "warm_starts": 1}
    assert result.steps == round(4 * new * FAST.steps)
    assert result.accepted
    from_nothing = next_training(tmp_path / "cold", Before(), settings=replace(ANY, steps=result.steps))
    warm, cold = (found.metrics["new_products"]["network"]["ndcg@10"] for found in (result, from_nothing))
    assert warm > 0.97 > cold + 0.04
    assert read_kept_fits(directory, version=2).warm_starts == 1


def test_it_is_compared_with_the_version_before_on_the_same_shoppers(second):
    _, result = second
    assert result.current["version"] == 1
    compared, methods = result.current["new_products"], result.metrics["new_products"]
    difference = methods["recommender"]["ndcg@10"] - methods["current_version"]["ndcg@10"]
    assert compared["lead"] == pytest.approx(difference)
    assert compared["low"] < compared["lead"] < compared["high"]
    assert compared["shoppers"] == result.data["judged_shoppers"]["new_products"]
    assert methods["current_version"]["ndcg@10"] > methods["next_item_table"]["ndcg@10"]
    assert json.loads(json.dumps(asdict(result)))["current"] == result.current


def test_what_falls_behind_is_refused(first, tmp_path):
    good = next_training(tmp_path / "good", Before(first, "asked for"), settings=replace(ANY, errors_behind=1e6))
    assert good.accepted  # a cold fit of 40 steps, but all may fall behind
    bad = next_training(tmp_path / "bad", Before(first, "asked for"), settings=replace(ANY, steps=1))
    assert not bad.accepted
    assert bad.refusal.startswith("The recommender falls behind version 1, on interactions that neither fit had seen.")
    assert "over 120 shoppers" in bad.refusal
    assert list((tmp_path / "bad").iterdir()) == []


def test_killed_in_its_fit_it_ends_with_the_same_artifact(first, second, tmp_path):
    class Killed(BaseException):
        pass

    def kill(stage, share):
        if stage == "export":
            raise Killed

    kept = tmp_path / "kept"
    with pytest.raises(Killed):
        next_training(tmp_path / "killed", Before(first, ""), report=kill, checkpoints=kept)
    stages = []
    again = next_training(
        tmp_path / "again",
        Before(first, ""),
        report=lambda stage, share: stages.append(stage),
        checkpoints=kept,
    )
    assert again.version == second[1].version
    assert (stages.count("judged fit"), stages.count("final fit")) == (2, 2)
    # Of another start it is no checkpoint: all steps are taken.
    stages.clear()
    weights = first.judged.weights | {"bias": first.judged.weights["bias"] + 1}
    other = replace(first, judged=replace(first.judged, weights=weights))
    next_training(
        tmp_path / "other", Before(other, ""), report=lambda stage, share: stages.append(stage), checkpoints=kept
    )
    assert stages.count("judged fit") > 2


def test_nothing_that_judges_leaks_into_what_is_judged(tmp_path):
    """Shuffle who did what after the second cutoff, in the night before and tonight: both judged fits stay the same
    bytes, though the version before served with a fit on half of those rows.
    """
    changed = LOG.item.copy()
    later = np.flatnonzero(LOG.time >= CUTOFF)
    changed[later] = np.random.default_rng(0).permutation(changed[later])
    other = type(LOG).from_rows(LOG.shopper, changed, LOG.kind, LOG.time)
    assert CUTOFF == split_time(other) < NIGHT_BEFORE
    judged, served = {}, {}
    for name, log in (("ours", LOG), ("theirs", other)):
        before = first_fits(tmp_path / f"{name}-first", log, WHATEVER)
        assert "cold" not in next_training(tmp_path / name, Before(before, ""), log, WHATEVER).start
        folders = tmp_path / f"{name}-first", tmp_path / name
        judged[name] = [arrays_of(read_kept_fits(folder, version=1).judged) for folder in folders]
        served[name] = [read_manifest(folder).files[WEIGHTS] for folder in folders]
    assert judged["ours"] == judged["theirs"]
    assert not set(served["ours"]) & set(served["theirs"])  # what serves is fitted on all rows


def arrays_of(fit):
    return {name: array.tobytes() for name, array in fit.weights.items()}


def test_a_fit_that_has_seen_what_judges_is_neither_started_from_nor_compared_with(first, tmp_path):
    later = replace(first, judged=replace(first.judged, until=CUTOFF + 1))
    result = next_training(tmp_path / "next", Before(later, ""), settings=ANY)
    why = "version 1 was fitted on interactions that judge this one"
    assert (result.start, result.current) == ({"cold": why, "warm_starts": 0}, {})
    assert "current_version" not in result.metrics["new_products"]
