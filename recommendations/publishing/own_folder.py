import os
from pathlib import Path
from stat import S_ISDIR


def own_folder(parent: Path) -> Path | None:
    """This user's folder in a place that everybody may write to, made if need be.

    None when there can be none: somebody else made it first, or put a link in its place, which is not followed.
    """
    folder = parent / f"django-because-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return None
    return folder if S_ISDIR(found.st_mode) and found.st_uid == os.getuid() else None
