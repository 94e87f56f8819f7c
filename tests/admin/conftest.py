import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission


@pytest.fixture
def staff(db, client):
    """staff("retrain", ...) -> a client logged in as a member of the staff with these permissions of the app."""

    def log_in(*codenames):
        user = get_user_model()(is_staff=True, **{get_user_model().USERNAME_FIELD: "anna"})
        user.set_unusable_password()
        user.save()
        found = Permission.objects.filter(content_type__app_label="recommendations", codename__in=codenames)
        assert {permission.codename for permission in found} == set(codenames)
        user.user_permissions.set(found)
        client.force_login(user)
        return client

    return log_in
