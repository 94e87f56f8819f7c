from django.db import models


class Book(models.Model):
    """The product of the tests' shop."""

    name = models.CharField(max_length=200)
    shelf = models.CharField(max_length=100, default="Novels")
    publisher = models.CharField(max_length=100, default="")
    price = models.DecimalField(max_digits=8, decimal_places=2, null=True, default=None)
    in_stock = models.BooleanField(default=True)
    members_only = models.BooleanField(default=False)

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return f"/books/{self.pk}/"
