import hashlib
import secrets
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import Error as DatabaseFailure
from django.db import models
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ..conf import get_config
from ..logs import log
from ..metrics import fell_back
from ..mistakes import is_raised
from .fresh import FreshQuerySet
from .looking_up import rows_where

OFF_COOKIE = "recommendations_off"
# Events in flight at login still arrive with the visitor's cookie.
MERGED_FOR = timedelta(hours=24)


def hash_key(key: str) -> str:
    """What is stored of a cookie: the raw key is a credential."""
    return hashlib.sha256(key.encode(errors="surrogateescape")).hexdigest()


def new_key() -> str:
    """An unguessable cookie value (256 bits)."""
    return secrets.token_urlsafe(32)


def django_request(request: Any) -> Any:
    """Django's own request of one that Django REST framework wraps: what is noted on a wrapper no middleware sees."""
    return getattr(request, "_request", request)


def is_paused(request: HttpRequest) -> bool:
    """Whether this browser switched personalisation off."""
    return request.COOKIES.get(OFF_COOKIE) == "1"


def has_agreed(request: HttpRequest) -> bool:
    """Whether whoever sends this request gave the consent that the shop asks for; not where the shop's code fails.

    Raises whatever the database raises: who could not be asked did not say no.
    """
    try:
        return get_config().has_consent(request)
    except DatabaseFailure:
        raise
    except Exception as error:
        if is_raised(error):
            raise
        log("use_case_failed", error, use_case="has_agreed")
        fell_back("has_agreed")
        return False


class ShopperQuerySet(FreshQuerySet["Shopper"]):
    def of_user(self, user: object) -> "Shopper | None":
        return self.filter(user=user).first()

    def of_key(self, key: str) -> "Shopper | None":
        return self.select_related("merged_into").filter(key_hash=hash_key(key)).first()

    def merged(self, primary_keys: "Iterable[int]") -> list[int]:
        """Those of the primary keys whose shoppers were merged into a user's at a login."""
        return [pk for (pk,) in rows_where(self, "id", "id", list(primary_keys), "AND merged_into_id IS NOT NULL")]

    def reading(self, request: HttpRequest) -> "Shopper | None":
        """Whose history this request may read: a login uses the user only, a merged cookie reads nothing.

        None without consent, when paused, and for whoever did nothing yet. One SELECT at most.
        """
        if is_paused(request) or not has_agreed(request):
            return None
        if is_logged_in(request):
            shopper = self.of_user(request.user)
        else:
            key = request.COOKIES.get(get_config().COOKIE_NAME)
            shopper = self.of_key(key) if key else None
            if shopper is not None and shopper.merged_into_id is not None:
                return None
        return shopper if shopper is not None and shopper.personalised else None

    def asking(self, request: HttpRequest) -> "Shopper | None":
        """Who sends this request, opted out or not: for the rights over what is kept, and for nothing else."""
        if is_logged_in(request):
            return self.of_user(request.user)
        key = request.COOKIES.get(get_config().COOKIE_NAME)
        shopper = self.of_key(key) if key else None
        # A cookie that was merged at a login reaches nothing: the user's history is the user's.
        return shopper if shopper is not None and shopper.merged_into_id is None else None

    def writing(
        self, request: HttpRequest, may_create: bool = True, in_flight: bool = True
    ) -> "tuple[Shopper | None, str]":
        """Whom this request's events belong to, and the cookie to set ("" = none).

        A user's is created at the first event, a visitor's if `may_create`: whoever creates must set the cookie.
        (None, "") without consent or when paused: nothing may be stored. A cookie that was merged at a login a short
        while ago still stands for the user if the events may be `in_flight`; for anything else it is nobody's.
        """
        if is_paused(request) or not has_agreed(request):
            return None, ""
        if is_logged_in(request):
            return self.writing_for(request.user), ""
        return self._visitor(request.COOKIES.get(get_config().COOKIE_NAME, ""), may_create, in_flight)

    def writing_for(self, user: object) -> "Shopper | None":
        """The user's shopper, created at the first event; None for one who opted out."""
        shopper, _ = self.get_or_create(user=user)
        return shopper if shopper.personalised else None

    def outside(self, external_ids: Iterable[str]) -> "dict[str, Shopper]":
        """The shoppers that another system knows under these ids, created as needed; two or three statements."""
        wanted = set(external_ids)
        found = {shopper.external_id: shopper for shopper in self.filter(external_id__in=wanted)}
        if missing := wanted - found.keys():
            self.bulk_create([self.model(external_id=name) for name in sorted(missing)], ignore_conflicts=True)
            found |= {shopper.external_id: shopper for shopper in self.filter(external_id__in=missing)}
        return found

    def seen(self, shoppers: "Iterable[Shopper]", day: date) -> None:
        """Note that they were here, once a day."""
        if late := [shopper.pk for shopper in shoppers if shopper.last_seen is None or shopper.last_seen < day]:
            self.filter(pk__in=late).update(last_seen=day)

    def staff(self) -> list[int]:
        """Primary keys of the shop's own people; none where users are not told apart by `is_staff`."""
        if "is_staff" not in {field.name for field in get_user_model()._meta.get_fields()}:
            return []
        return list(self.filter(user__is_staff=True).values_list("pk", flat=True))

    def _visitor(self, key: str, may_create: bool, in_flight: bool) -> "tuple[Shopper | None, str]":
        shopper = self.of_key(key) if key else None
        if shopper is None or (shopper.is_merged_for_good() if in_flight else shopper.merged_into_id is not None):
            key = new_key()
            return (self.create(key_hash=hash_key(key)), key) if may_create else (None, "")
        owner = shopper.merged_into or shopper
        return (owner if owner.personalised else None), ""


def is_logged_in(request: HttpRequest) -> bool:
    """Whether the request has a user; a request without the auth middleware has none."""
    user = getattr(request, "user", None)
    return bool(user is not None and user.is_authenticated)


class Shopper(models.Model):
    """Whoever browses: a user, an anonymous visitor (by cookie), or someone another system knows (external_id)."""

    id = models.BigAutoField(primary_key=True)
    # Deleted with the user by receivers.user_deleted: a cascade would make the shop's admin ask us for leave, and list
    # under the user's name what is kept of the shopper.
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.DO_NOTHING, null=True, blank=True, related_name="+"
    )
    external_id = models.CharField(max_length=255, unique=True, null=True, blank=True)
    key_hash = models.CharField(max_length=64, unique=True, null=True, blank=True)
    personalised = models.BooleanField(_("personalised"), default=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    last_seen = models.DateField(_("last seen"), null=True, blank=True)
    erased_at = models.DateTimeField(_("erased at"), null=True, blank=True)
    merged_into = models.ForeignKey("self", on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    merged_at = models.DateTimeField(_("merged at"), null=True, blank=True)

    objects = ShopperQuerySet.as_manager()

    class Meta:
        base_manager_name = "objects"
        verbose_name = _("shopper")
        verbose_name_plural = _("shoppers")

    def __str__(self) -> str:
        return gettext("shopper %(number)s") % {"number": self.pk}

    def is_merged_for_good(self) -> bool:
        """Whether the cookie was merged at a login too long ago for an event to be still in flight."""
        return self.merged_at is not None and self.merged_at < timezone.now() - MERGED_FOR
