import uuid

from django.contrib.auth.models import AbstractUser
from django.db import models


class Customer(AbstractUser):
    """The other shop's own user model: another app, another kind of key."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)


class Article(models.Model):
    """A second thing to recommend, with nothing but a title; its key is text as an editor writes it."""

    slug = models.CharField(max_length=100, primary_key=True)
    title = models.CharField(max_length=200)
    published = models.BooleanField(default=True)

    def __str__(self) -> str:
        return self.title
