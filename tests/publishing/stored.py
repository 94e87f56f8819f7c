from pathlib import Path

from recommendations.models import RecommenderVersion
from recommendations.publishing import upload
from tests.ml.made_artifact import make_artifact

Status = RecommenderVersion.Status


def trained(tmp_path, name="artifact", status=Status.TRAINING, **options):
    version = RecommenderVersion.objects.create(status=status)
    make_artifact(tmp_path / name, **options)
    upload(version, tmp_path / name)
    return version


def fresh(version):
    return RecommenderVersion.objects.get(pk=version.pk)


def folder_of(version, root):
    return Path(root) / RecommenderVersion.objects.get(pk=version.pk).artifact


def damage(name):
    def change(folder):
        path = folder / name
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)

    return change
