"""What a training may start from and must not fall behind: the fits of the current version."""

from ..logs import cause
from ..ml.kept_fits import Before
from ..models import RecommenderVersion
from ..publishing import read_kept_fits

Status = RecommenderVersion.Status


def fits_before() -> Before:
    """Whatever is missing or damaged is no reason to fail: the training starts cold, and says why."""
    current = RecommenderVersion.objects.current()
    if current is None:
        return Before()
    try:
        fits = read_kept_fits(current)
    except Exception as error:  # damaged, or whatever the storage's client raises
        return Before(None, cause(error))
    refused = RecommenderVersion.objects.filter(pk__gt=current.pk, status=Status.REJECTED).first()
    # A warm start that was no good would be no better tomorrow.
    return Before(fits, "" if refused is None else f"version {refused.pk} was rejected")
