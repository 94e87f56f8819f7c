import uuid

from django.contrib.auth.models import AbstractUser
from django.db import models


class Customer(AbstractUser):
    """The other shop's own user model: another app, another kind of key."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
