import numpy as np
import pytest

from recommendations.ml.artifact import ENCODER, ArtifactError
from recommendations.ml.kinds import Kind
from recommendations.ml.scorer import BLOCK, Scorer
from recommendations.ml.sequences import History
from tests.ml.made_artifact import make_artifact


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    directory = tmp_path_factory.mktemp("artifact")
    make_artifact(directory, n=30, trained_kinds=(Kind.VIEW, Kind.PURCHASE))
    return directory


@pytest.fixture(scope="module")
def scorer(directory):
    return Scorer.open(directory)


def bought(*items):
    return History.of(items, [Kind.PURCHASE] * len(items))


def test_scores_of_the_catalog_and_of_some_items_agree(scorer):
    histories = [bought(1, 2, 3), bought(4), bought(*range(1, 31), *range(1, 31))]
    items = np.array([7, 3, 30])
    everything = scorer.scores(histories)
    assert everything.shape == (3, 31)
    np.testing.assert_allclose(scorer.scores(histories, items), everything[:, items], rtol=0, atol=1e-5)


def test_scores_do_not_depend_on_the_batch(scorer):
    histories = [bought(1, 2, 3), bought(4), bought(*range(1, 31), *range(1, 31))]
    alone = np.concatenate([scorer.scores([history]) for history in histories])
    np.testing.assert_allclose(alone[:, 1:], scorer.scores(histories)[:, 1:], rtol=0, atol=scorer.eps)


def test_the_order_of_the_history_counts(scorer):
    assert np.abs(scorer.encode([bought(1, 2)]) - scorer.encode([bought(2, 1)])).max() > 1e-3


def test_a_trained_kind_is_read_as_itself(scorer):
    viewed, purchased = History.of([1], [Kind.VIEW]), History.of([1], [Kind.PURCHASE])
    assert np.abs(scorer.encode([viewed]) - scorer.encode([purchased])).max() > 1e-4


def test_kinds_unseen_in_training_are_read_alike(scorer):
    saved, carted = History.of([1], [Kind.SAVE]), History.of([1], [Kind.ADD_TO_CART])
    assert (scorer.encode([saved]) == scorer.encode([carted])).all()


@pytest.mark.parametrize("histories", [[], [bought()], [bought(1), bought()]])
def test_empty_history_is_refused(scorer, histories):
    with pytest.raises(ValueError, match="the history is empty"):
        scorer.scores(histories)


def test_an_opened_scorer_knows_its_products_and_version(scorer, directory):
    assert scorer.vocabulary.product_id(30) == "30"
    assert scorer.version == Scorer.open(directory, check=False).version


def test_a_damaged_artifact_does_not_open(tmp_path):
    make_artifact(tmp_path, n=5)
    (tmp_path / "bias.npy").write_bytes(b"")
    with pytest.raises(ArtifactError, match=r"bias\.npy has sha256"):
        Scorer.open(tmp_path)


def test_what_was_checked_is_what_scores_whatever_becomes_of_the_file(tmp_path, scorer):
    """The network is opened at the first list, which may be hours after the check."""
    make_artifact(tmp_path, n=30, trained_kinds=(Kind.VIEW, Kind.PURCHASE))
    opened = Scorer.open(tmp_path)
    (tmp_path / ENCODER).write_bytes(b"something else")
    assert np.array_equal(opened.scores([bought(1)]), scorer.scores([bought(1)]))


def test_many_histories_are_read_as_each_alone(scorer):
    histories = [History.of(range(1, 2 + k % 5), [Kind.VIEW] * (1 + k % 5)) for k in range(2 * BLOCK + 1)]
    together = scorer.encode(histories)
    assert together.shape == (len(histories), scorer.manifest.d)
    alone = np.concatenate([scorer.encode([history]) for history in histories])
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-5)
