"""What a training may start from and must not fall behind: the fit that the current version was judged by."""

from ..logs import cause
from ..ml.judged_fit import Before
from ..models import RecommenderVersion
from ..publishing import read_judged_fit

Status = RecommenderVersion.Status


def judged_before() -> Before:
    """Whatever is missing or damaged is no reason to fail: the training starts cold, and says why."""
    current = RecommenderVersion.objects.current()
    if current is None:
        return Before()
    try:
        fit = read_judged_fit(current)
    except Exception as error:  # damaged, or whatever the storage's client raises
        return Before(None, cause(error))
    refused = RecommenderVersion.objects.filter(pk__gt=current.pk, status=Status.REJECTED).first()
    # A warm start that was no good would be no better tomorrow.
    return Before(fit, "" if refused is None else f"version {refused.pk} was rejected")
