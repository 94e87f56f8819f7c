from django.conf import settings
from django.db import models


class Household(models.Model):
    """A household of the data, into whose shoes one can step while DEBUG is on."""

    number = models.PositiveIntegerField(unique=True)
    purchases = models.PositiveIntegerField()
    favourites = models.CharField(
        max_length=120, help_text="The categories that it buys more than others do, joined by |."
    )
    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)

    class Meta:
        ordering = ["number"]

    def __str__(self) -> str:
        return f"household {self.number}"

    @property
    def external_id(self) -> str:
        """What its purchases were imported under."""
        return f"household-{self.number}"

    @property
    def favourite_categories(self) -> list[str]:
        return self.favourites.split("|")
