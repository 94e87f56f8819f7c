from django.core.files.base import File
from django.core.files.storage import FileSystemStorage, Storage


class Bucket(Storage):
    """A folder that stands for an object store: its files can be read and written, but have no path on this machine."""

    def __init__(self, location: str) -> None:
        self._files = FileSystemStorage(location)

    def _open(self, name: str, mode: str = "rb") -> File:
        return self._files.open(name, mode)

    def _save(self, name: str, content: File) -> str:
        return self._files.save(name, content)

    def delete(self, name: str) -> None:
        self._files.delete(name)

    def exists(self, name: str) -> bool:
        return self._files.exists(name)
