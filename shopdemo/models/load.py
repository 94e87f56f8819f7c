from django.db import models


class FinishedLoad(models.Model):
    """A step of `load_demo` that is done; written in the step's own transaction, so an interrupted step has none."""

    step = models.CharField(max_length=40, unique=True)
    rows = models.PositiveIntegerField()
    finished_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.step}: {self.rows}"
