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
