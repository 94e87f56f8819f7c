import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from shutil import rmtree
from threading import Barrier
from time import monotonic
from types import SimpleNamespace

import pytest
from django.db import connection
from django.test import override_settings
from django.utils import timezone

from recommendations.catalog import sync_catalog
from recommendations.exceptions import NotConfigured
from recommendations.ml.artifact import FILES, MANIFEST, ArtifactError
from recommendations.ml.scorer import Scorer
from recommendations.models import Product, RecommenderVersion
from recommendations.publishing import artifacts, current, current_recommender, forget, prune, publish, upload, versions
from recommendations.publishing.artifacts import get_storage
from recommendations.publishing.newcomers import read_newcomers
from tests.ml.made_artifact import make_artifact
from tests.published import publish_made_artifact
from tests.publishing.stored import damage, folder_of, trained

Status = RecommenderVersion.Status
pytestmark = pytest.mark.usefixtures("storage_of_its_own")
BROKEN = "can't be served"


def test_publish_flips_current_and_retires_the_one_before(books, settings):
    first = publish_made_artifact()
    second = publish_made_artifact(seed=1)
    first.refresh_from_db()
    assert (first.status, second.status) == (Status.RETIRED, Status.PUBLISHED)
    assert second.published_at is not None
    assert current_recommender().version == second.pk


def test_publish_twice_changes_nothing(books):
    version = publish_made_artifact()
    at = version.published_at
    publish(version)
    assert RecommenderVersion.objects.get(pk=version.pk).published_at == at


def test_roll_back_is_publishing_the_older_again(books):
    first, second = publish_made_artifact(), publish_made_artifact(seed=1)
    publish(first)
    second.refresh_from_db()
    assert second.status == Status.RETIRED
    forget()
    assert current_recommender().version == first.pk


@pytest.mark.parametrize("status", [Status.REJECTED, Status.FAILED, Status.CANCELLED])
def test_what_was_refused_is_never_published(books, tmp_path, status):
    version = trained(tmp_path)
    RecommenderVersion.objects.filter(pk=version.pk).update(status=status)
    with pytest.raises(ArtifactError, match=f"is {status}: only a trained or a retired version can serve"):
        publish(version)


def test_publishing_tells_listeners_after_commit(books, django_capture_on_commit_callbacks):
    from recommendations.signals import version_published

    heard = []

    def listener(version, **_):
        heard.append(version.pk)

    version_published.connect(listener)
    with django_capture_on_commit_callbacks(execute=True):
        version = publish_made_artifact()
    assert heard == [version.pk]


def test_hot_swap_needs_no_restart(books, monkeypatch):
    first = publish_made_artifact()
    assert current_recommender().version == first.pk
    monkeypatch.setattr("tests.published.forget", lambda: None)
    monkeypatch.setattr(current, "REFRESH_SECONDS", 0.0)
    current._current._next_look = 0.0
    assert current_recommender().version == first.pk
    second = publish_made_artifact(seed=1)
    assert current_recommender().version == second.pk


def test_between_two_looks_the_database_is_not_asked(books, django_assert_num_queries):
    publish_made_artifact()
    current_recommender()
    with django_assert_num_queries(0):
        current_recommender()


def test_nothing_published_is_none(db):
    assert current_recommender() is None


def test_products_changed_in_the_mirror_are_seen_at_the_next_look(books, monkeypatch):
    publish_made_artifact()
    monkeypatch.setattr(current, "REFRESH_SECONDS", 0.0)
    loaded = current_recommender()
    assert loaded.eligible[1:].all()
    books[0].in_stock = False
    books[0].save()
    sync_catalog()
    assert not current_recommender().eligible[loaded.scorer.vocabulary.number(str(books[0].pk))]


def test_links_are_the_category_or_the_brand(books):
    Product.objects.filter(product_id=str(books[1].pk)).update(brand="Acme")
    Product.objects.filter(product_id=str(books[2].pk)).update(brand="Acme")
    publish_made_artifact()
    loaded = current_recommender()
    number = [loaded.scorer.vocabulary.number(str(book.pk)) for book in books]
    assert loaded.is_linked(number[0], number[2])  # one shelf
    assert loaded.is_linked(number[1], number[2])  # one brand
    assert not loaded.is_linked(number[0], number[1])


def newer_format(folder):
    values = json.loads((folder / MANIFEST).read_text())
    (folder / MANIFEST).write_text(json.dumps(values | {"format_version": 99}))


@pytest.mark.parametrize(
    "break_it",
    [
        *[pytest.param(damage(name), id=f"bit flipped in {name}") for name in (*FILES, MANIFEST)],
        pytest.param(lambda folder: (folder / "bias.npy").unlink(), id="file missing"),
        pytest.param(lambda folder: (folder / MANIFEST).unlink(), id="manifest missing"),
        pytest.param(lambda folder: (folder / "item_matrix.npy").write_bytes(b"\x93NUMPY"), id="file cut"),
        pytest.param(newer_format, id="newer format"),
    ],
)
def test_a_damaged_artifact_is_never_served_and_the_last_good_one_goes_on(
    books, storage_of_its_own, break_it, monkeypatch, caplog
):
    monkeypatch.setattr(current, "REFRESH_SECONDS", 0.0)
    good = publish_made_artifact()
    assert current_recommender().version == good.pk
    monkeypatch.setattr("tests.published.forget", lambda: None)
    bad = publish_made_artifact(seed=1)
    break_it(folder_of(bad, storage_of_its_own))
    for _ in range(3):
        assert current_recommender().version == good.pk
    assert len([record for record in caplog.records if BROKEN in record.message]) == 1


def test_a_damaged_artifact_can_not_be_made_current(books, storage_of_its_own, tmp_path):
    good, bad = publish_made_artifact(), trained(tmp_path)
    damage("bias.npy")(folder_of(bad, storage_of_its_own))
    with pytest.raises(ArtifactError, match=r"bias\.npy has sha256"):
        publish(bad)
    assert RecommenderVersion.objects.current().pk == good.pk


def test_an_upload_that_breaks_leaves_nothing_behind(books, storage_of_its_own, tmp_path):
    version = RecommenderVersion.objects.create()
    make_artifact(tmp_path / "torn")
    (tmp_path / "torn" / MANIFEST).unlink()
    with pytest.raises(FileNotFoundError):
        upload(version, tmp_path / "torn")
    assert list(storage_of_its_own.rglob("*")) == []
    version.refresh_from_db()
    assert version.artifact == ""


class Killed(BaseException):
    """What stands for kill -9: nothing is tidied."""


def killed_in_upload(tmp_path, monkeypatch, after=3):
    """A version whose process died when so many files of its artifact were stored."""
    version = RecommenderVersion.objects.create()
    storage = get_storage()
    make_artifact(tmp_path / "half")
    saved = []

    def save(name, content):
        if len(saved) == after:
            raise Killed
        saved.append(type(storage).save(storage, name, content))

    with monkeypatch.context() as dying, pytest.raises(Killed):
        dying.setattr(artifacts, "get_storage", lambda: SimpleNamespace(save=save))
        dying.setattr(artifacts, "_delete", fail_to_tidy)
        upload(version, tmp_path / "half")
    return version


def fail_to_tidy(storage, name):
    raise Killed


def test_a_process_that_was_killed_while_uploading_leaves_nothing_for_ever(
    books, storage_of_its_own, tmp_path, monkeypatch
):
    retired = [publish_made_artifact(seed=seed) for seed in range(3)][:2]
    version = killed_in_upload(tmp_path, monkeypatch)
    half = folder_of(version, storage_of_its_own)
    assert len(list(half.iterdir())) == 3
    assert prune() == []  # it may be alive
    RecommenderVersion.objects.filter(pk=version.pk).update(status=Status.FAILED)
    assert prune() == [version.pk]
    assert not half.exists()
    assert all(folder_of(kept, storage_of_its_own).is_dir() for kept in retired)


@pytest.mark.parametrize("files", [0, 3, len(FILES)])
@pytest.mark.parametrize("where", ["storage_of_its_own", "bucket"])
def test_half_an_artifact_is_never_served(books, tmp_path, monkeypatch, request, where, files):
    request.getfixturevalue(where)
    good, half = publish_made_artifact(), killed_in_upload(tmp_path, monkeypatch, files)
    half.refresh_from_db()
    with pytest.raises(ArtifactError, match="has no artifact"):
        publish(half)
    assert RecommenderVersion.objects.current().pk == good.pk


def test_without_an_alias_artifacts_stand_beside_manage_py(settings, tmp_path):
    with override_settings(STORAGES={"default": settings.STORAGES["default"]}, BASE_DIR=tmp_path):
        assert get_storage().location == str(tmp_path / "recommendations_artifacts")


def test_without_any_place_the_error_names_the_line(settings):
    with (
        override_settings(STORAGES={"default": settings.STORAGES["default"]}, BASE_DIR=None),
        pytest.raises(NotConfigured, match=r"Add STORAGES\['recommendations'\]"),
    ):
        get_storage()


def test_an_idle_process_learns_what_changed_while_it_slept(books, monkeypatch):
    publish_made_artifact()
    monkeypatch.setattr(current, "REFRESH_SECONDS", 0.0)
    loaded = current_recommender()
    current._current._looked -= 5 * 3600
    changed = Product.objects.filter(product_id=str(books[0].pk))
    changed.update(available=False, updated_at=timezone.now() - timedelta(hours=4))
    assert not current_recommender().eligible[loaded.scorer.vocabulary.number(str(books[0].pk))]


def test_a_storage_that_does_not_answer_is_tried_again(books, monkeypatch, caplog):
    good = publish_made_artifact()
    monkeypatch.setattr(current, "REFRESH_SECONDS", 0.0)
    assert current_recommender().version == good.pk
    monkeypatch.setattr("tests.published.forget", lambda: None)
    new = publish_made_artifact(seed=1)

    def no_answer(version):
        raise ConnectionError("the bucket does not answer")

    with monkeypatch.context() as broken:
        broken.setattr(current, "open_scorer", no_answer)
        for _ in range(3):
            assert current_recommender().version == good.pk
    assert len([record for record in caplog.records if BROKEN in record.message]) == 1
    assert current_recommender().version == good.pk  # not asked again yet
    monkeypatch.setattr(current, "monotonic", lambda: monotonic() + current.RETRY_SECONDS)
    assert current_recommender().version == new.pk


def test_new_products_find_their_place_though_the_folder_is_gone(books, tmp_path):
    """As a bucket's local copy, which another process deleted once nobody had opened it for a week."""
    make_artifact(tmp_path / "copy")
    scorer = Scorer.open(tmp_path / "copy")
    scorer.warm_up()
    rmtree(tmp_path / "copy")
    word = scorer.query_index.words[0]
    Product.objects.create(product_id="new", title=word)
    [newcomer] = read_newcomers(scorer, ["new"])
    assert scorer.with_newcomers([newcomer]).vocabulary.number("new") > 0


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_of_two_who_publish_at_once_one_serves_and_nobody_fails(tmp_path, monkeypatch):
    before = trained(tmp_path, "zero", Status.RETIRED)
    both = [trained(tmp_path, name, Status.RETIRED) for name in ("one", "two")]
    together = Barrier(2, timeout=20)
    monkeypatch.setattr(versions, "check_stored", lambda version: together.wait())

    def published(version):
        try:
            publish(version)
        finally:
            connection.close()

    for _ in range(15):  # a race: each round may be lost
        RecommenderVersion.objects.update(status=Status.RETIRED)
        RecommenderVersion.objects.filter(pk=before.pk).update(status=Status.PUBLISHED)
        with ThreadPoolExecutor(2) as at_once:
            list(at_once.map(published, both))
        assert RecommenderVersion.objects.get(status=Status.PUBLISHED) in both
