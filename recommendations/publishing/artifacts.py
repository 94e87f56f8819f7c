import fcntl
import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from time import time

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.files import File
from django.core.files.storage import FileSystemStorage, Storage, storages
from django.db.models import F

from ..conf import Config, get_config
from ..exceptions import LeaseLost, NotConfigured
from ..logs import log
from ..ml.artifact import FILES, KEPT_FITS, MANIFEST, VOCABULARY, WEIGHTS, ArtifactError, Manifest
from ..ml.kept_fits import KeptFits
from ..ml.kept_fits import read_kept_fits as read_files
from ..ml.scorer import Scorer
from ..models import RecommenderVersion
from .own_folder import own_folder

Status = RecommenderVersion.Status
# Artifacts kept for a roll back, the current one included.
KEPT = 3
# Local copies that no process opened for so long are deleted: a shop that trains daily would fill the disk.
COPIES_KEPT_SECONDS = 7 * 86_400


def get_storage() -> Storage:
    """Where artifacts are kept: STORAGES[RECOMMENDATIONS["STORAGE"]]; if neither is set, a folder beside manage.py.

    Never the default storage: what it holds is usually public. Raises NotConfigured for a storage that is named but not
    there or can't be made: another place instead of it would be one that web processes do not see.
    """
    alias = get_config().STORAGE
    if alias not in settings.STORAGES:
        return _beside_manage_py(alias)
    try:
        return storages[alias]
    except (ImproperlyConfigured, TypeError) as error:  # its backend is not installed, or refuses its OPTIONS
        raise NotConfigured(
            f"STORAGES[{alias!r}] can't be used for artifacts: {error}. Install its backend or correct settings.py."
        ) from error


def _beside_manage_py(alias: str) -> Storage:
    base = getattr(settings, "BASE_DIR", None)
    if alias == Config.STORAGE and base:
        return FileSystemStorage(location=Path(base) / "recommendations_artifacts")
    named = "" if alias == Config.STORAGE else f"RECOMMENDATIONS['STORAGE'] is {alias!r}, which is not in STORAGES. "
    raise NotConfigured(
        f"No place for artifacts: {named}Add STORAGES[{alias!r}] = {{'BACKEND': "
        "'django.core.files.storage.FileSystemStorage', 'OPTIONS': {'location': '/a/private/folder'}} to settings.py."
    )


def upload(version: RecommenderVersion, directory: Path) -> None:
    """Store a complete artifact, with the fits it kept if any, under a new name.

    The row holds the name before the first file is stored, so that prune() finds what a killed process left, and the
    sha256 after the last one: without it nothing is served. When a file can't be stored, what was stored is deleted and
    the error raised; so it is when the row has been given another status meanwhile, with LeaseLost.
    """
    storage = get_storage()
    _note(version, f"version-{version.pk}-{secrets.token_hex(4)}", "")
    try:
        kept = (KEPT_FITS,) if (Path(directory) / KEPT_FITS).is_file() else ()
        for file in (*FILES, *kept, MANIFEST):
            with (Path(directory) / file).open("rb") as opened:
                storage.save(f"{version.artifact}/{file}", File(opened))
        _note(version, version.artifact, _sha256(Path(directory) / MANIFEST))
    except BaseException:
        _remove(version)
        raise


def _note(version: RecommenderVersion, name: str, sha256: str) -> None:
    """Write both into the row, while it is as the caller knows it."""
    row = RecommenderVersion.objects.filter(pk=version.pk, status=version.status, lease_owner=version.lease_owner)
    version.artifact = name
    if not row.update(artifact=name, artifact_sha256=sha256):
        raise LeaseLost(f"Version {version.pk} is not {version.status} any more: nothing is stored for it.")
    version.artifact_sha256 = sha256


def open_scorer(version: RecommenderVersion) -> Scorer:
    """The version's artifact, checked file by file. Raises ArtifactError when anything is not as it was uploaded."""
    storage = get_storage()
    directory = _local(storage, version)
    if directory is not None:
        return _checked(version, directory)
    copy = _cached(storage, version)
    try:
        return _checked(version, copy)
    except ArtifactError:
        # Damaged on the way, or here: the next try downloads it again.
        shutil.rmtree(copy, ignore_errors=True)
        raise


def check_stored(version: RecommenderVersion) -> None:
    """Raise ArtifactError unless the storage itself holds the whole artifact: a copy on this machine tells nothing."""
    storage = get_storage()
    directory = _local(storage, version)
    if directory is not None:
        _checked(version, directory)
        return
    with TemporaryDirectory(prefix="recommender-stored-") as name:
        _copy(storage, version, Path(name))
        _checked(version, Path(name))


def read_kept_fits(version: RecommenderVersion) -> KeptFits:
    """The version's fits. ArtifactError when it kept none, or they are not as they were uploaded."""
    storage = get_storage()
    with TemporaryDirectory(prefix="recommender-kept-") as name:
        directory = Path(name)
        for file in (MANIFEST, VOCABULARY, WEIGHTS, KEPT_FITS):
            if storage.exists(f"{version.artifact}/{file}"):
                _download(storage, f"{version.artifact}/{file}", directory / file)
        _check_manifest(version, directory)
        return read_files(directory, version.pk)


def of_this_release(version: RecommenderVersion) -> bool:
    """Whether there is a manifest that this release reads. Raises what the storage raises when it can't be asked."""
    try:
        with get_storage().open(f"{version.artifact}/{MANIFEST}") as stored:
            Manifest.from_json(stored.read().decode())
    except (ArtifactError, FileNotFoundError, UnicodeDecodeError):
        return False
    return True


def _checked(version: RecommenderVersion, directory: Path) -> Scorer:
    _check_manifest(version, directory)
    try:
        return Scorer.open(directory)
    except (ArtifactError, OSError):
        raise
    except Exception as error:  # checksums that are right of nonsense: what reading it raises is anybody's guess
        raise ArtifactError(f"version {version.pk} can't be read ({type(error).__name__}: {error}).") from error


def _check_manifest(version: RecommenderVersion, directory: Path) -> None:
    if not (directory / MANIFEST).is_file():
        raise ArtifactError(f"version {version.pk}: {directory / MANIFEST} is missing; publish another version.")
    if _sha256(directory / MANIFEST) != version.artifact_sha256:
        raise ArtifactError(f"version {version.pk}: {MANIFEST} is not the one uploaded; publish another version.")


def prune() -> list[int]:
    """Delete the artifacts of versions that will serve no more; returns their ids. What can't be deleted is logged.

    Kept are the KEPT that served last and can be published; of a training that ended in its upload nothing can.
    """
    with_artifact = RecommenderVersion.objects.exclude(artifact="").order_by(
        F("published_at").desc(nulls_last=True), "-pk"
    )
    retired = with_artifact.filter(status=Status.RETIRED)
    unneeded = [
        *retired.exclude(artifact_sha256="")[KEPT - 1 :],
        *retired.filter(artifact_sha256=""),  # claimed before, and then not deleted
        *with_artifact.exclude(status__in=[Status.PUBLISHED, Status.TRAINING, Status.RETIRED]),
    ]
    return [version.pk for version in unneeded if _claim(version) and _remove(version)]


def _claim(version: RecommenderVersion) -> bool:
    """Whether nobody can publish it any more: publish() waits for this write or wins, and then the status differs."""
    row = RecommenderVersion.objects.filter(pk=version.pk, status=version.status, artifact=version.artifact)
    return bool(row.update(artifact_sha256=""))


def _remove(version: RecommenderVersion) -> bool:
    """Delete what is stored under the row's name, then the name; False, and logged, when the storage fails."""
    try:
        _delete(get_storage(), version.artifact)
    except Exception as error:  # what the storage's client raises
        log("artifacts_not_deleted", error, artifact=version.artifact)
        return False
    row = RecommenderVersion.objects.filter(pk=version.pk, artifact=version.artifact)
    row.update(artifact="", artifact_sha256="")
    version.artifact = version.artifact_sha256 = ""
    return True


def _local(storage: Storage, version: RecommenderVersion) -> Path | None:
    """The folder itself when the storage is this machine's disk. Raises ArtifactError when there can be none."""
    if not (version.artifact and version.artifact_sha256):
        raise ArtifactError(f"version {version.pk} has no artifact: train again, or publish another version.")
    try:
        return Path(storage.path(version.artifact))
    except NotImplementedError:
        return None


def _cached(storage: Storage, version: RecommenderVersion) -> Path:
    """A local copy, downloaded once a machine."""
    root = own_folder(Path(gettempdir()))
    if root is None:
        raise ArtifactError(f"{gettempdir()} has no folder of this process's own; set TMPDIR to one.")
    copy = root / f"{version.artifact}-{version.artifact_sha256[:16]}"
    with _one_process(root):
        if not copy.is_dir():
            _delete_old_copies(root)
            with TemporaryDirectory(dir=root) as partial:
                _copy(storage, version, Path(partial) / "copy")
                (Path(partial) / "copy").rename(copy)
        os.utime(copy)
    return copy


def _copy(storage: Storage, version: RecommenderVersion, directory: Path) -> None:
    """All that serving reads."""
    for file in (*FILES, MANIFEST):
        _download(storage, f"{version.artifact}/{file}", directory / file)


@contextmanager
def _one_process(root: Path) -> Iterator[None]:
    """All processes of a machine see a new version at once: one downloads it, the others wait."""
    with (root / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # until it is closed
        yield


def _delete_old_copies(root: Path) -> None:
    for copy in filter(Path.is_dir, root.iterdir()):
        with suppress(FileNotFoundError):  # another process may delete it meanwhile
            if time() - copy.stat().st_mtime > COPIES_KEPT_SECONDS:
                shutil.rmtree(copy, ignore_errors=True)


def _download(storage: Storage, name: str, target: Path) -> None:
    target.parent.mkdir(exist_ok=True)
    try:
        with storage.open(name) as source, target.open("wb") as opened:
            shutil.copyfileobj(source, opened)
    except FileNotFoundError as error:
        raise ArtifactError(f"{name} is missing in the storage; publish another version.") from error


def _delete(storage: Storage, name: str) -> None:
    for file in (*FILES, KEPT_FITS, MANIFEST):
        storage.delete(f"{name}/{file}")
    try:
        storage.delete(name)
    except OSError:  # an object store has no folders
        return


def _sha256(path: Path) -> str:
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
