import pytest

from recommendations.conf import FOR_EVER


@pytest.fixture(autouse=True)
def nothing_is_too_old(settings):
    """What is imported here has dates of the past, which must not become too old to be stored."""
    settings.RECOMMENDATIONS = {**settings.RECOMMENDATIONS, "RETENTION_DAYS": FOR_EVER}
