"""What happens when the shop saves a product, or a user logs in or is deleted; nothing here may break the sender."""

from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in
from django.db import Error as DatabaseFailure
from django.db.models.signals import post_delete, post_save, pre_delete
from django.http import HttpRequest

from .boundary import never_break
from .capture import merge_at_login
from .catalog import mirror_after_commit, product_id_of, registered
from .logs import log
from .metrics import fell_back
from .mistakes import is_raised
from .models import Shopper


def connect() -> None:
    """Listen to the declared models and to users; called once, by AppConfig.ready()."""
    for model in apps.get_models(include_auto_created=False):
        if model._meta.concrete_model is get_user_model():  # or a proxy of it
            pre_delete.connect(user_deleted, sender=model, dispatch_uid=f"recommendations-user-{model._meta.label}")
        # Django sends the class that was saved: a proxy or a child table of a declared model is one too.
        if issubclass(model, tuple(registered())):
            uid = model._meta.label
            post_save.connect(product_saved, sender=model, dispatch_uid=f"recommendations-saved-{uid}")
            post_delete.connect(product_deleted, sender=model, dispatch_uid=f"recommendations-deleted-{uid}")
    user_logged_in.connect(logged_in, dispatch_uid="recommendations-login")


@never_break(fallback=lambda **_: None)
def product_saved(*, instance: Any, raw: bool = False, using: str | None = None, **_: Any) -> None:
    """Mirror the product once the shop's transaction has committed; fixtures (`raw`) are left to sync_catalog."""
    if not raw:
        mirror_after_commit(product_id_of(instance), using)


@never_break(fallback=lambda **_: None)
def product_deleted(*, instance: Any, using: str | None = None, **_: Any) -> None:
    """Take the product out of the recommendations; the key is read now, Django clears it after the signal."""
    mirror_after_commit(product_id_of(instance), using)


@never_break(fallback=lambda **_: None)
def logged_in(*, request: HttpRequest | None = None, user: Any, **_: Any) -> None:
    """Give the user what the visitor did before logging in."""
    if request is not None:
        merge_at_login(request, user)


def user_deleted(*, instance: Any, **_: Any) -> None:
    """Delete what is kept of the user, in the same transaction; nothing where our tables are not there.

    Raises whatever else the database raises: the user could not be deleted while our row names it.
    """
    try:
        with Shopper.objects.atomic():
            Shopper.objects.filter(user=instance.pk).delete()
    except DatabaseFailure as error:
        if is_raised(error) or Shopper.objects.has_table():
            raise
        log("tables_missing", error)
        fell_back("user_deleted")
