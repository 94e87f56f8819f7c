"""The way from Oscar's dashboard to the recommender versions: append NAVIGATION to OSCAR_DASHBOARD_NAVIGATION."""

from typing import Any

from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _

VERSIONS = "admin:recommendations_recommenderversion_changelist"


def may_see_versions(user: Any, url_name: str, url_args: Any = None, url_kwargs: Any = None) -> bool:
    """Whether the project has Django's admin, and this user may look at the versions there."""
    try:
        reverse(url_name)
    except NoReverseMatch:
        return False
    return user.is_staff and user.has_perm("recommendations.view_recommenderversion")


NAVIGATION = {
    "label": _("Recommendations"),
    "icon": "fas fa-thumbs-up",
    "url_name": VERSIONS,
    "access_fn": may_see_versions,
}
